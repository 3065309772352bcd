package integration_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// statements is a GORM logger that counts what is sent to the database.
type statements struct {
	mu   sync.Mutex
	seen []string
}

func (s *statements) LogMode(logger.LogLevel) logger.Interface { return s }
func (s *statements) Info(context.Context, string, ...any)     {}
func (s *statements) Warn(context.Context, string, ...any)     {}
func (s *statements) Error(context.Context, string, ...any)    {}
func (s *statements) Trace(_ context.Context, _ time.Time, sql func() (string, int64), _ error) {
	text, _ := sql()
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, strings.ToUpper(verb))
}

// during returns the verbs of the statements that act causes.
func (s *statements) during(act func()) []string {
	s.mu.Lock()
	s.seen = []string{}
	s.mu.Unlock()
	act()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// The budgets of docs/protocol.md, counted where GORM sends its statements.
func TestBudget_Statements(t *testing.T) {
	t.Parallel()
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		count := &statements{}
		db := e.db(t)
		store := rig.Migrated(t, db.Session(&gorm.Session{Logger: count}))
		cfg := at(time.Now())
		cfg.Routes = slowRoute
		a := startOn(t, store, cfg, func(c *session.Config) {
			c.Cleanup.Every, c.SigningKey.Rotation = session.Off, session.Off
		})
		a.signedIn("warm-up") // the keys are there from now on
		user := a.browser()

		type row struct {
			name string
			want []string
			act  func()
		}
		var (
			other  string
			second *browser
		)
		for _, r := range []row{
			{"a visitor", nil, func() { user.get("/me"); user.refresh() }},
			{"create", []string{"INSERT"}, func() { user.do(http.MethodPost, "/login", map[string]any{"user": "user"}) }},
			{"verify, promoted token", nil, func() {
				for range 5 {
					user.works()
				}
			}},
			{"write data", []string{"UPDATE"}, func() { user.do(http.MethodPut, "/data", 1) }},
			{"read data", []string{"SELECT"}, func() { user.get("/data") }},
			{"verify with immediate revocation", []string{"SELECT"}, func() { user.get("/strict") }},
			{"refresh with the current token", []string{"SELECT"}, func() { user.ok(user.refresh()) }},
			{"verify, first use", []string{"UPDATE"}, user.works},
			{"verify, second use", nil, user.works},
			{"refresh with the current token, again", []string{"SELECT"}, func() { user.ok(user.refresh()) }},
			{"refresh with a child", []string{"SELECT", "UPDATE"}, func() { user.ok(user.refresh()) }},
			{"first use of it", []string{"UPDATE"}, user.works},
			{"refresh after more than a tenth of the idle validity", []string{"SELECT", "UPDATE"}, func() {
				a.Clock.Advance(11 * 24 * time.Hour)
				user.ok(user.refresh())
			}},
			{"verify, first use, by a slow answer", []string{"UPDATE", "SELECT"}, func() { user.ok(user.get("/slow")) }},
			{"a slow answer without a token", nil, func() { user.ok(user.get("/slow")) }},
			{"refresh without its cookie, beside a session that lives", []string{"SELECT"}, func() {
				a.refused(a.send(http.MethodPost, refreshPath, user.pair("/")))
			}},
			{"a second session", []string{"INSERT"}, func() { second = a.signedIn("user") }},
			{"refresh with a refresh token of another session than the access token's, which lives", []string{"SELECT", "SELECT"}, func() {
				a.refused(a.send(http.MethodPost, refreshPath, user.pair("/"), second.pair(refreshPath)))
			}},
			{"verify with access tokens of two sessions that live", []string{"SELECT", "SELECT"}, func() {
				r := a.send(http.MethodGet, "/me", user.pair("/"), second.pair("/"))
				require.Equal(t, http.StatusInternalServerError, r.Status, "the refresh just before has not helped: %s", r.Body)
				require.Empty(t, r.Header.Values("Set-Cookie"))
			}},
			{"create in place of another", []string{"INSERT", "UPDATE"}, func() {
				user.ok(user.do(http.MethodPost, "/login", map[string]any{"user": "user"}))
			}},
			{"create where a script asks to leave cookies", []string{"SELECT", "INSERT", "UPDATE"}, func() {
				r := a.send(http.MethodPost, "/login", user.pair("/"), "st-auth-mode: header")
				require.Equal(t, http.StatusOK, r.Status, r.Body)
				require.Empty(t, r.Header.Get("st-access-token"), "it does not")
			}},
			{"refresh with a refresh token of another session than the access token's, which has ended", []string{"SELECT", "SELECT"}, func() {
				r := a.send(http.MethodPost, refreshPath, user.pair("/"), second.pair(refreshPath))
				require.Equal(t, http.StatusOK, r.Status, r.Body)
			}},
			{"a session to replace", []string{"INSERT"}, func() { user = a.signedIn("user") }},
			{"replace", []string{"SELECT", "SELECT", "INSERT", "SELECT"}, func() { user.ok(user.do(http.MethodPost, "/replace", nil)) }},
			{"verify, first use of the next session", []string{"SELECT", "UPDATE", "UPDATE"}, func() { user.works() }},
			{"verify, second use of it", nil, func() { user.works() }},
			{"replace at once", []string{"SELECT", "INSERT", "UPDATE", "SELECT", "UPDATE"}, func() {
				user.ok(user.do(http.MethodPost, "/replace?at=once", nil))
			}},
			{"verify, first use of that", nil, func() { user.works() }},
			{"sign out", []string{"UPDATE"}, func() { second.ok(second.do(http.MethodPost, signOutPath, nil)) }},
			{"another session", []string{"INSERT"}, func() { other = a.signedIn("user").peekHandle() }},
			{"list", []string{"SELECT"}, func() { must(a.Svc.List(t.Context(), "user"))(t) }},
			{"revoke", []string{"UPDATE"}, func() { must(a.Svc.Revoke(t.Context(), other))(t) }},
			{"revoke all", []string{"SELECT", "UPDATE"}, func() { must(a.Svc.RevokeAll(t.Context(), "user"))(t) }},
		} {
			got := count.during(r.act)
			if r.want == nil {
				r.want = []string{}
			}
			require.Equal(t, r.want, got, r.name)
		}
	})
}

// slowRoute adds one whose answer takes a second, and one that replaces the session.
func slowRoute(router *gin.Engine, a *rig.App) {
	replaceRoute(router, a)
	router.GET("/slow", middleware.Verify(a.Svc), func(c *gin.Context) {
		a.Clock.Advance(time.Second)
		a.Me(c)
	})
}

// send is a request of no browser: the fields are cookies, or headers where they have a colon.
func (a *story) send(method, path string, fields ...string) rig.Reply {
	a.t.Helper()
	r := rig.Request{Method: method, Path: path, Header: http.Header{}, Body: `{"user":"user"}`}
	var cookies []string
	for _, field := range fields {
		if name, value, ok := strings.Cut(field, ": "); ok {
			r.Header.Set(name, value)
		} else {
			cookies = append(cookies, field)
		}
	}
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	reply, err := a.Do(a.t.Context(), r)
	require.NoError(a.t, err)
	return reply
}

// pair is the cookie that goes to path alone, as a Cookie field has it.
func (b *browser) pair(path string) string {
	b.t.Helper()
	name := map[string]string{"/": "sAccessToken", refreshPath: "sRefreshToken"}[path]
	value := b.cookie(path, name)
	require.NotEmpty(b.t, value)
	return name + "=" + value
}

// refused asserts a refusal that takes nothing away.
func (a *story) refused(r rig.Reply) {
	a.t.Helper()
	require.Equal(a.t, http.StatusUnauthorized, r.Status, r.Body)
	require.Empty(a.t, r.Header.Values("Set-Cookie"))
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

// Forged tokens are refused before any SQL (TOK-04, AB-02), and an unknown
// key id costs at most one reload (JWT-06).
func TestBudget_ForgedTokensCauseNoSQL(t *testing.T) {
	t.Parallel()
	a := start(t, memory)
	user := a.signedIn("user")
	access, refresh := user.cookie("/", "sAccessToken"), user.cookie(refreshPath, "sRefreshToken")
	a.Store.Arm()
	for i := range len(access) {
		forged := rig.Flip(access, i)
		_, _, err := a.Svc.Verify(t.Context(), forged, user.AntiCSRF())
		require.Error(t, err, "accepted with byte %d changed", i)
	}
	for i := range len(refresh) {
		_, err := a.Svc.Refresh(t.Context(), rig.Flip(refresh, i))
		require.Error(t, err, "accepted with byte %d changed", i)
	}
	for _, junk := range []string{"", ".", "..", "a.b.c", strings.Repeat("A", 5000), strings.Repeat("A", 1<<20), access + "=", " " + access, access + "\n", refresh} {
		_, _, err := a.Svc.Verify(t.Context(), junk, user.AntiCSRF())
		require.Error(t, err)
		_, err = a.Svc.Refresh(t.Context(), strings.ReplaceAll(junk, refresh, access))
		require.Error(t, err)
	}
	counts := a.Store.Counts()
	require.LessOrEqual(t, counts["Keys"], 1, "one reload for unknown key ids")
	delete(counts, "Keys")
	require.Empty(t, counts)
	require.NotContains(t, strings.ToLower(a.Log.String()), "forged", "no line per failed request")
	require.Zero(t, a.count(session.EventTheft))
}
