package sessiontest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// application is one of net/http: /me says who is signed in, /echo the body, /in signs
// in.
func application(kit *sessiontest.Kit) http.Handler {
	svc, mux := kit.Service, http.NewServeMux()
	me := func(w http.ResponseWriter, r *http.Request) {
		sess, _ := session.FromContext(r.Context())
		_, _ = io.WriteString(w, sess.UserID())
	}
	mux.Handle("/me", svc.Protect(http.HandlerFunc(me)))
	mux.Handle("POST /echo", svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})))
	mux.HandleFunc("POST /in", func(w http.ResponseWriter, r *http.Request) {
		if _, err := svc.CreateHTTP(w, r, r.FormValue("user")); err != nil {
			svc.WriteError(w, r, err)
		}
	})
	mux.HandleFunc("POST "+svc.RefreshPaths()[0], func(w http.ResponseWriter, r *http.Request) {
		if _, err := svc.RefreshHTTP(w, r); err != nil {
			svc.WriteError(w, r, err)
		}
	})
	return mux
}

// kinds are settings under which the kit has to serve: carriers, proofs, cookies, presets.
func kinds() map[string]session.Config {
	return map[string]session.Config{
		"defaults":      {},
		"headers":       {FrontEnds: session.FrontEndConfig{Carriers: session.CarriersHeader}},
		"custom header": {AntiCSRF: session.AntiCSRFConfig{Mode: session.AntiCSRFViaCustomHeader, OnRefresh: true}},
		"proof for all": {AntiCSRF: session.AntiCSRFConfig{OnRefresh: true}},
		"domain":        {Cookie: session.CookieConfig{Domain: "app.example.org", Suffix: "_x"}},
		"host prefix":   {Cookie: session.CookieConfig{Prefixes: session.PrefixHost}},
		"partitioned":   {Cookie: session.CookieConfig{Prefixes: session.PrefixHTTP, Partitioned: true, SameSite: http.SameSiteNoneMode}},
		"plain HTTP":    {Cookie: session.CookieConfig{Insecure: true}},
		"the oldest":    {FrontEnds: session.FrontEndConfig{Preset: session.PresetRefJWT4}},
		"the newest":    {FrontEnds: session.FrontEndConfig{Preset: session.PresetModern}},
		"short tokens":  {AccessTokenValidity: 30 * time.Second, Leeway: session.Off},
		"at once":       {Revocation: session.RevokeImmediately},
	}
}

func TestLogin_ByRealVerification(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds() {
		t.Run(name, func(t *testing.T) {
			kit := sessiontest.New(t, cfg)
			app := application(kit)
			send := func(change func(*http.Request)) *httptest.ResponseRecorder {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/me", nil)
				change(r)
				w := httptest.NewRecorder()
				app.ServeHTTP(w, r)
				return w
			}
			w := send(func(*http.Request) {})
			require.True(t, w.Code == 401 || w.Code == 440, "nobody: %d", w.Code)
			var handle string
			w = send(func(r *http.Request) { handle = kit.Login(t, r, "alice").Handle() })
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Equal(t, "alice", w.Body.String())
			require.Len(t, kit.Events(session.EventCreated), 1)
			require.Equal(t, handle, kit.Events()[0].Handle)

			w = send(func(r *http.Request) {
				kit.Login(t, r, "alice")
				kit.Expire()
			})
			require.NotEqual(t, http.StatusOK, w.Code, "its token has expired")
			if cfg.FrontEnds.Carriers != session.CarriersHeader {
				w = send(func(r *http.Request) {
					kit.Login(t, r, "alice")
					r.Header.Del("anti-csrf")
					r.Header.Del("rid")
				})
				require.NotEqual(t, http.StatusOK, w.Code, "a foreign page's")
			}
		})
	}
}

func TestLogin_KeepsTheRequestsOwnCookies(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/me?x=1", nil)
	r.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
	kit.Login(t, r, "alice", session.WithPayload(map[string]string{"role": "editor"}))
	theme, err := r.Cookie("theme")
	require.NoError(t, err)
	require.Equal(t, "dark", theme.Value)
	sess, err := kit.Service.VerifyHTTP(httptest.NewRecorder(), r)
	require.NoError(t, err)
	var payload struct{ Role string }
	require.NoError(t, sess.Payload(&payload))
	require.Equal(t, "editor", payload.Role)
}

func TestClient_RefreshesAndRepeats(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds() {
		t.Run(name, func(t *testing.T) {
			kit := sessiontest.New(t, cfg)
			alice := kit.Client(t, application(kit))
			require.NotEqual(t, http.StatusOK, alice.Get("/me").Code, "nobody is signed in")
			alice.Login("alice")
			require.Equal(t, "alice", alice.Get("/me").Body.String())
			for range 3 {
				kit.Expire()
				require.Equal(t, `{"n":1}`, alice.Post("/echo", `{"n":1}`).Body.String(), "the body is sent again")
			}
			require.Len(t, kit.Events(session.EventRefreshed), 3)
			require.Empty(t, kit.Events(session.EventTheft))
		})
	}
}

func TestClient_SignsInByTheApplicationsOwnRoute(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	c := kit.Client(t, application(kit))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/in", strings.NewReader("user=bob"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusOK, c.Send(r).Code)
	require.Equal(t, "bob", c.Post("/me", "").Body.String())
	kit.Expire()
	require.Equal(t, "bob", c.Post("/me", "").Body.String())
}

func TestClient_ByHeader(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	phone, page := kit.Client(t, application(kit)), kit.Client(t, application(kit))
	phone.ByHeader = true
	phone.Login("alice")
	page.Login("alice")
	kit.Expire()
	require.Equal(t, "alice", phone.Get("/me").Body.String())
	require.Equal(t, "alice", page.Get("/me").Body.String())
	_, err := kit.Service.RevokeAll(t.Context(), "alice")
	require.NoError(t, err)
	kit.Expire()
	require.Equal(t, http.StatusUnauthorized, phone.Get("/me").Code)
	require.Equal(t, http.StatusUnauthorized, page.Get("/me").Code)
}

func TestClients_TwoUsersApart(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	app := application(kit)
	alice, bob := kit.Client(t, app), kit.Client(t, app)
	alice.Login("alice")
	bob.Login("bob")
	require.Equal(t, "alice", alice.Get("/me").Body.String())
	require.Equal(t, "bob", bob.Get("/me").Body.String())
	alice.Login("carol")
	require.Equal(t, "carol", alice.Get("/me").Body.String())
	devices, err := kit.Service.List(t.Context(), "alice")
	require.NoError(t, err)
	require.Empty(t, devices, "no session outlives a sign-in in its browser")
}

func TestSteal_IsDetected(t *testing.T) {
	t.Parallel()
	for _, thiefFirst := range []bool{false, true} {
		kit := sessiontest.New(t, session.Config{})
		victim := kit.Client(t, application(kit))
		victim.Login("alice")
		thief := kit.Steal(victim)
		require.Equal(t, "alice", thief.Get("/me").Body.String(), "a copy is as good as the original, for now")

		first, second := victim, thief
		if thiefFirst {
			first, second = thief, victim
		}
		kit.Expire()
		require.Equal(t, http.StatusOK, first.Get("/me").Code)
		require.Equal(t, http.StatusUnauthorized, second.Get("/me").Code)
		thefts := kit.Events(session.EventTheft)
		require.Len(t, thefts, 1)
		require.Equal(t, "alice", thefts[0].UserID)
		kit.Expire()
		require.Equal(t, http.StatusUnauthorized, first.Get("/me").Code, "both are out")
		require.Len(t, kit.Events(session.EventTheft), 1)
	}
}

func TestAdvance_EndsSessions(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{SessionLifetime: 24 * time.Hour})
	alice := kit.Client(t, application(kit))
	alice.Login("alice")
	kit.Advance(23 * time.Hour)
	require.Equal(t, http.StatusOK, alice.Get("/me").Code)
	kit.Advance(2 * time.Hour)
	require.Equal(t, http.StatusUnauthorized, alice.Get("/me").Code)
}

func TestNewOn_AStoreOfTheTests(t *testing.T) {
	t.Parallel()
	store := storetest.Faulty(memstore.New())
	var told []session.EventKind
	kit := sessiontest.NewOn(t, store, nil, session.Config{
		Revocation: session.RevokeImmediately,
		OnEvent:    func(e session.Event) { told = append(told, e.Kind) },
	})
	alice := kit.Client(t, application(kit))
	alice.Login("alice")
	store.Arm(storetest.Fault{})
	require.Equal(t, http.StatusServiceUnavailable, alice.Get("/me").Code)
	store.Arm()
	require.Equal(t, http.StatusOK, alice.Get("/me").Code)
	require.Equal(t, []session.EventKind{session.EventCreated}, told)
}

// Mistakes end the test with a text that says what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for want, mistake := range map[string]func(testing.TB){
		"Config.Now is set":                     func(t testing.TB) { sessiontest.New(t, session.Config{Now: time.Now}) },
		"SessionLifetime":                       func(t testing.TB) { sessiontest.New(t, session.Config{SessionLifetime: 1}) },
		"Login of \"\"":                         func(t testing.TB) { sessiontest.New(t, session.Config{}).Client(t, nil).Login("") },
		"give the handler a refresh route, by ": func(t testing.TB) { sessiontest.New(t, session.Config{}).Client(t, http.NotFoundHandler()).Refresh() },
	} {
		probe := &probe{TB: t}
		func() {
			defer func() { _ = recover() }()
			mistake(probe)
		}()
		require.Contains(t, probe.fatal, want)
	}
}

func TestEvents_OfAKind(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	require.Empty(t, kit.Events())
	kit.Client(t, nil).Login("alice")
	_, err := kit.Service.RevokeAll(t.Context(), "alice")
	require.NoError(t, err)
	require.Len(t, kit.Events(), 2)
	require.Len(t, kit.Events(session.EventRevoked), 1)
	require.Len(t, kit.Events(session.EventRevoked, session.EventCreated), 2)
}
