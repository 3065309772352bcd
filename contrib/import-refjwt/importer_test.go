package importrefjwt_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver that New asks for
	"github.com/stretchr/testify/require"

	importrefjwt "github.com/gin-sessionkit/sessionkit/contrib/import-refjwt"
	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/session"
)

// recorded is what testdata/record.js has had the library make.
type recorded struct {
	Key    string
	Tables []string
	Rows   []struct {
		Handle  string  `json:"session_handle"`
		User    string  `json:"user_id"`
		Hash    string  `json:"refresh_token_hash_2"`
		Data    *string `json:"session_info"`
		Payload *string `json:"jwt_user_payload"`
	}
	Sessions []struct {
		User, Handle             string
		Now                      int64
		Current, Child, Replaced string
	}
}

type rig struct {
	*importrefjwt.Importer
	recorded
	db *sql.DB
}

// newRig is a database with the recorded rows, which end in an hour.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{}
	text, err := os.ReadFile("testdata/recorded.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r.recorded))
	r.db, err = sql.Open("mysql", testdb.MySQLDSN(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	for _, table := range r.Tables {
		r.exec(t, strings.NewReplacer(" DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci", " DEFAULT CHARSET=utf8mb4").Replace(table))
	}
	r.exec(t, "INSERT INTO signing_key VALUES ('refresh_token_key', ?, 0), ('access_token_signing_key', 'x', 0)", r.Key)
	for _, row := range r.Rows {
		r.exec(t, "INSERT INTO refresh_token (session_handle, user_id, refresh_token_hash_2, session_info, expires_at, jwt_user_payload) VALUES (?, ?, ?, ?, ?, ?)",
			row.Handle, row.User, row.Hash, row.Data, time.Now().Add(time.Hour).UnixMilli(), row.Payload)
	}
	r.Importer, err = importrefjwt.New(t.Context(), r.db, importrefjwt.Config{})
	require.NoError(t, err)
	return r
}

func (r *rig) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	_, err := r.db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

func (r *rig) rows(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, r.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM refresh_token").Scan(&n))
	return n
}

// read is Import of a token that is the library's.
func (r *rig) read(t *testing.T, token string) *session.Imported {
	t.Helper()
	old, err := r.Import(t.Context(), token)
	require.NoError(t, err)
	require.NotNil(t, old)
	return old
}

// What the library wrote is read as it meant it, whichever way the cookie is written.
func TestImport_recorded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	values := map[string][2]string{
		"ada": {`{"role":"editor"}`, `{"cart":[1,2.5]}`}, "17": {}, "1.5e-7": {"null", "null"},
		"Grüße, 世界": {`"text"`, `["a","b"]`}, `{"json":1}`: {"0", "false"}, "moved-on": {"{}", "{}"},
	}
	for _, s := range r.Sessions {
		tokens := []string{s.Current, url.QueryEscape(s.Current)}
		if s.Child != "" {
			tokens = append(tokens, s.Child)
		}
		for _, token := range tokens {
			old := r.read(t, token)
			require.Equal(t, s.Handle, old.Handle)
			require.False(t, old.Ended || old.Replaced, s.User)
			require.WithinDuration(t, time.UnixMilli(s.Now), old.CreatedAt, time.Second)
			require.WithinDuration(t, time.Now().Add(time.Hour), old.ExpiresAt, time.Minute)
			want := values[old.UserID]
			require.Equal(t, []any{json.RawMessage(want[0]), json.RawMessage(want[1])}, []any{old.Payload, old.Data}, old.UserID)
		}
		if s.Replaced != "" {
			require.True(t, r.read(t, s.Replaced).Replaced)
		}
	}
	require.Equal(t, "17", r.read(t, r.Sessions[1].Current).UserID)
	require.Equal(t, "1.5e-7", r.read(t, r.Sessions[2].Current).UserID)
}

// No other text is a token: not one with a character changed, nor another form of one.
func TestImport_altered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.Sessions[0].Child
	sealed, nonce, _ := strings.Cut(token, ".")
	forms := map[string]string{
		"empty": "", "a dot": ".", "two dots": token + ".", "no nonce": sealed, "another nonce": sealed + "." + nonce[1:] + "0",
		"no padding": strings.TrimRight(sealed, "=") + "." + nonce, "more padding": sealed + "=." + nonce,
		"a line end": sealed[:10] + "\n" + sealed[10:] + "." + nonce, "URL-safe": strings.NewReplacer("+", "-", "/", "_").Replace(sealed) + "." + nonce,
		"too long": strings.Repeat("A", 4000) + "." + nonce, "a bad escape": token + "%zz", "short": "AAAA." + nonce,
		"another session's nonce": sealed + "." + r.Sessions[1].Current[strings.Index(r.Sessions[1].Current, ".")+1:],
	}
	if !strings.ContainsAny(sealed, "+/") {
		delete(forms, "URL-safe")
	}
	if !strings.HasSuffix(sealed, "=") {
		delete(forms, "no padding")
	}
	for i := range len(token) {
		b := []byte(token)
		if b[i]++; b[i] == '%' {
			b[i]++
		}
		forms[fmt.Sprint("character ", i)] = string(b)
	}
	for name, text := range forms {
		old, err := r.Import(t.Context(), text)
		require.NoError(t, err, name)
		require.Nil(t, old, name)
	}
}

// Which sessions have ended: as the library has it, and only theirs.
func TestImport_ended(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ada, other := r.Sessions[0], r.Sessions[1]
	r.exec(t, "UPDATE refresh_token SET expires_at = ? WHERE session_handle = ?", time.Now().Add(-time.Second).UnixMilli(), ada.Handle)
	r.exec(t, "UPDATE refresh_token SET user_id = 'mallory' WHERE session_handle = ?", other.Handle)
	for _, token := range []string{ada.Current, ada.Child, other.Current} {
		old := r.read(t, token)
		require.True(t, old.Ended)
		require.NotEmpty(t, old.UserID)
		require.False(t, old.CreatedAt.IsZero(), "what was made of it can still be found")
	}
	r.exec(t, "DELETE FROM refresh_token")
	require.True(t, r.read(t, r.Sessions[3].Current).Ended)
}

func TestRevokeUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.exec(t, "INSERT INTO refresh_token VALUES ('b', 'ADA', 'x', '', 1, ''), ('c', 'ada ', 'x', '', 1, ''), ('d', '17', 'x', '', 1, '')")
	before := r.rows(t)
	require.NoError(t, r.RevokeUser(t.Context(), "nobody"))
	require.Equal(t, before, r.rows(t))
	require.NoError(t, r.RevokeUser(t.Context(), "ada"))
	require.Equal(t, before-1, r.rows(t), "whose id is the very one, whatever the collation")
	require.NoError(t, r.RevokeUser(t.Context(), "17"))
	require.Equal(t, before-3, r.rows(t), "as a text and as a number")
	for i := range 1100 {
		r.exec(t, "INSERT INTO refresh_token VALUES (?, 'many', 'x', '', 1, '')", fmt.Sprint("many", i))
	}
	require.NoError(t, r.RevokeUser(t.Context(), "many"))
	require.Equal(t, before-3, r.rows(t))
}

func TestDeleteEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.exec(t, "UPDATE refresh_token SET expires_at = 1000 WHERE user_id LIKE '{%'")
	for _, want := range []int{2, 1, 0} {
		n, err := r.DeleteEnded(t.Context(), time.Now(), 2)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Equal(t, 3, r.rows(t))
}

func TestNew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.exec(t, "RENAME TABLE signing_key TO st_keys, refresh_token TO st_tokens")
	renamed, err := importrefjwt.New(t.Context(), r.db, importrefjwt.Config{SigningKeys: "st_keys", RefreshTokens: "st_tokens"})
	require.NoError(t, err)
	old, err := renamed.Import(t.Context(), r.Sessions[0].Current)
	require.NoError(t, err)
	require.Equal(t, "ada", old.UserID)
	_, err = r.Import(t.Context(), r.Sessions[0].Current)
	require.Error(t, err, "a table that is not there")
	require.NotContains(t, err.Error(), r.Sessions[0].Handle)
	_, err = importrefjwt.New(t.Context(), r.db, importrefjwt.Config{SigningKeys: "a`b"})
	require.ErrorIs(t, err, errors.ErrConfig)
	r.exec(t, "DELETE FROM st_keys")
	_, err = importrefjwt.New(t.Context(), r.db, importrefjwt.Config{SigningKeys: "st_keys"})
	require.ErrorIs(t, err, errors.ErrConfig)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", renamed, renamed, renamed), r.Key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = renamed.Import(ctx, r.Sessions[0].Current)
	require.Error(t, err)
}
