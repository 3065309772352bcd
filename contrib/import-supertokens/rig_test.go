package importsupertokens_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver that New asks for
	"github.com/stretchr/testify/require"

	importsupertokens "github.com/gin-sessionkit/sessionkit/contrib/import-supertokens"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// generated is what testdata/Generate.java makes.
type generated struct {
	Now    int64
	Tables []string
	Rows   []struct {
		Table  string
		Fields map[string]any
	}
	Sessions []oldSession
}

// oldSession is a session of the core with three tokens that came one from the other.
type oldSession struct {
	Name, App, Tenant, Handle, User string
	Replaced, Current, Child        string
}

// recorded is the generator's output that is checked in.
func recorded(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded.json")
	require.NoError(t, err)
	return text
}

// generate runs the generator.
func generate(t *testing.T) []byte {
	t.Helper()
	if _, err := exec.LookPath("javac"); err != nil {
		t.Skip("no JDK on this machine: what it made once is tested, and nothing new")
	}
	run := exec.CommandContext(t.Context(), "java", "testdata/Generate.java")
	var complaints bytes.Buffer
	run.Stderr = &complaints
	text, err := run.Output()
	require.NoError(t, err, complaints.String())
	return text
}

type rig struct {
	*importsupertokens.Importer
	generated
	db *sql.DB
}

// newRig is a database with what was generated, as if it had been just now.
func newRig(t *testing.T, text []byte) *rig {
	t.Helper()
	r := &rig{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&r.generated))
	var err error
	r.db, err = sql.Open("mysql", testdb.MySQLDSN(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	for _, table := range r.Tables {
		r.exec(t, table)
	}
	for _, row := range r.Rows {
		columns := slices.Sorted(maps.Keys(row.Fields))
		values := make([]any, len(columns))
		for i, column := range columns {
			values[i] = row.Fields[column]
		}
		r.exec(t, "INSERT INTO "+row.Table+" ("+strings.Join(columns, ", ")+") VALUES (?"+strings.Repeat(", ?", len(columns)-1)+")", values...)
	}
	shift := time.Now().UnixMilli() - r.Now
	r.exec(t, "UPDATE session_info SET expires_at = expires_at + ?, created_at_time = created_at_time + ?", shift, shift)
	r.Importer, err = importsupertokens.New(t.Context(), r.db, importsupertokens.Config{})
	require.NoError(t, err)
	return r
}

func (r *rig) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	_, err := r.db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

// handles are the sessions in the table.
func (r *rig) handles(t *testing.T) (found []string) {
	t.Helper()
	rows, err := r.db.QueryContext(t.Context(), "SELECT session_handle FROM session_info ORDER BY session_handle")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var handle string
		require.NoError(t, rows.Scan(&handle))
		found = append(found, handle)
	}
	require.NoError(t, rows.Err())
	return found
}

// named is a session by its name in the generator.
func (r *rig) named(t *testing.T, name string) oldSession {
	t.Helper()
	i := slices.IndexFunc(r.Sessions, func(s oldSession) bool { return s.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return r.Sessions[i]
}

// read is Import of a token that is the core's.
func (r *rig) read(t *testing.T, token string) *session.Imported {
	t.Helper()
	old, err := r.Import(t.Context(), token)
	require.NoError(t, err)
	require.NotNil(t, old)
	return old
}

// kit is a service that takes the rig's sessions over.
type kit struct {
	*session.Service
	clock *sessiontest.Clock

	mu      sync.Mutex
	refused []error
	events  map[session.EventKind]int
}

func (r *rig) newKit(t *testing.T, change ...func(*session.Config)) *kit {
	t.Helper()
	k := &kit{clock: sessiontest.NewClock(time.Now()), events: map[session.EventKind]int{}}
	cfg := session.Config{
		Import: session.ImportConfig{
			From: r.Importer, Key: []byte("an import key of 32 bytes or more"), Sunset: k.clock.Now().Add(60 * 24 * time.Hour),
		},
		Cleanup: session.CleanupConfig{Every: session.Off},
		OnRefusal: func(_ *http.Request, err error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.refused = append(k.refused, err)
		},
		OnEvent: func(e session.Event) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.events[e.Kind]++
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	k.Service = sessiontest.NewOn(t, memstore.New(), k.clock, cfg).Service
	return k
}

func (k *kit) count(kind session.EventKind) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.events[kind]
}

func (k *kit) refusals() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.refused)
}

// refresh is what a browser sends with the cookie that an SDK has set, beside an access
// token of the core's.
func (k *kit) refresh(t *testing.T, token string) (*session.Session, []*http.Cookie, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/auth/session/refresh", nil)
	r.Header.Set("Rid", "session")
	r.Header.Set("St-Auth-Mode", "cookie")
	r.Header.Set("Cookie", "sAccessToken=eyJhbGciOiJSUzI1NiJ9.e30.x; sRefreshToken="+url.QueryEscape(token))
	w := httptest.NewRecorder()
	sess, err := k.RefreshHTTP(w, r)
	res := w.Result()
	require.NoError(t, res.Body.Close())
	return sess, res.Cookies(), err
}

func (k *kit) devices(t *testing.T, user string) []session.Device {
	t.Helper()
	list, err := k.List(t.Context(), user)
	require.NoError(t, err)
	return list
}
