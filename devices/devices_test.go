package devices_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gin-sessionkit/sessionkit/devices"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}

// app is an application with the routes below /auth.
type app struct {
	*sessiontest.Kit

	store  *storetest.FaultyStore
	router *gin.Engine
}

func newApp(t *testing.T, cfg devices.Config) *app {
	t.Helper()
	settings := session.Config{IPAddresses: session.IPFull}
	store := storetest.Faulty(memstore.New())
	a := &app{sessiontest.NewOn(t, store, nil, settings), store, gin.New()}
	refresh.Mount(a.router, a.Service)
	devices.Mount(a.router.Group("/auth"), a.Service, cfg)
	return a
}

// signIn returns a browser that is signed in, and the handle of its session.
func (a *app) signIn(t *testing.T, user string) (*sessiontest.Client, string) {
	t.Helper()
	c := a.Client(t, a.router)
	return c, c.Login(user).Handle()
}

// listed is a session as it is answered.
type listed struct {
	ID      string
	Current bool
	Label   string
	Device  struct{ Browser, OS, Kind string }
	IP      string

	CreatedAt, LastUsedAt, ExpiresAt time.Time
}

func list(t *testing.T, c *sessiontest.Client, query string) (sessions []listed, after string) {
	t.Helper()
	w := c.Get("/auth/sessions" + query)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var body struct {
		Sessions []listed
		After    string
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return body.Sessions, body.After
}

func requireRefused(t *testing.T, w *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Contains(t, w.Body.String(), text)
	var body struct{ Message string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	require.NotEmpty(t, body.Message)
}

// The answer, letter by letter.
func TestList(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, own := a.signIn(t, "ada")
	a.Advance(1500 * time.Millisecond)
	phone, err := a.Service.Create(t.Context(), "ada", session.WithDevice("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"+
		" AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1", "2001:db8::1"))
	require.NoError(t, err)
	a.signIn(t, "bob")
	a.store.Arm()
	w := ada.Get("/auth/sessions")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.JSONEq(t, `{"sessions":[
		{"id":"`+own+`","current":true,"label":"","device":{"browser":"sessiontest","os":"","kind":"other"},"ip":"192.0.2.1",
		 "createdAt":"2026-01-01T12:00:00Z","lastUsedAt":"2026-01-01T12:00:00Z","expiresAt":"2026-04-10T03:00:00Z"},
		{"id":"`+phone.Session.Handle()+`","current":false,"label":"","device":{"browser":"Safari","os":"iOS","kind":"mobile"},"ip":"2001:db8::1",
		 "createdAt":"2026-01-01T12:00:01.5Z","lastUsedAt":"2026-01-01T12:00:01.5Z","expiresAt":"2026-04-10T03:00:00Z"}]}`, w.Body.String())
	require.Equal(t, map[string]int{"Find": 1, "List": 1}, a.store.Counts())
}

// Neither a token nor a hash of one, nor what the application keeps, is in any answer.
func TestAnswers_holdNoSecret(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada := a.Client(t, a.router)
	sess := ada.Login("ada", session.WithData("secret data"), session.WithPayload("secret payload"))
	other, err := a.Service.Create(t.Context(), "ada", session.WithData("secret data"), session.WithPayload("secret payload"))
	require.NoError(t, err)
	row, err := a.store.Find(t.Context(), other.Session.Handle())
	require.NoError(t, err)
	for _, w := range []*httptest.ResponseRecorder{
		ada.Get("/auth/sessions"),
		ada.Do(http.MethodPatch, "/auth/sessions/"+sess.Handle(), `{"label":"x"}`),
		ada.Get("/auth/sessions?limit=1"),
		ada.Post("/auth/sessions/revoke-others", ""),
	} {
		require.Less(t, w.Code, 300)
		for _, secret := range []string{other.Access.Value, other.Refresh.Value, other.AntiCSRF, "secret", "hash", "token", string(row.Lineage.Current[:])} {
			require.NotContains(t, strings.ToLower(w.Body.String()), strings.ToLower(secret))
		}
	}
}

// A session of somebody else, one that has ended and one that never was look the same,
// and nothing is written for any of them.
func TestForeign_looksAbsent(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, _ := a.signIn(t, "ada")
	bob, foreign := a.signIn(t, "bob")
	ended := newHandle(t, a)
	_, err := a.Service.Revoke(t.Context(), ended)
	require.NoError(t, err)
	before, err := a.store.Find(t.Context(), foreign)
	require.NoError(t, err)

	var bodies []string
	for _, id := range []string{foreign, ended, "nothing", "revoke-others", strings.Repeat("x", 1000), "%00", "%27%20OR%20%271%27=%271", foreign + "%20", "%FF"} {
		for method, statement := range map[string]string{http.MethodDelete: "Revoke", http.MethodPatch: "SetLabel"} {
			a.store.Arm()
			w := ada.Do(method, "/auth/sessions/"+id, `{"label":"mine"}`)
			requireRefused(t, w, http.StatusNotFound, "no such session")
			require.Empty(t, w.Header().Values("Set-Cookie"))
			bodies = append(bodies, w.Body.String())
			// One look at the own session, and the statement that asks whose the other is;
			// for what has not the form of a handle, none to end it.
			counts := a.store.Counts()
			require.Equal(t, 1, counts["Find"], id)
			require.LessOrEqual(t, counts[statement], 1, id)
			delete(counts, "Find")
			delete(counts, statement)
			require.Empty(t, counts, id)
		}
	}
	for _, body := range bodies {
		require.Equal(t, bodies[0], body)
	}
	after, err := a.store.Find(t.Context(), foreign)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Empty(t, a.Events(session.EventRevoked)[1:], "but for the one that was ended before")
	require.Equal(t, http.StatusOK, bob.Get("/auth/sessions").Code)
}

func newHandle(t *testing.T, a *app) string {
	t.Helper()
	tokens, err := a.Service.Create(t.Context(), "ada")
	require.NoError(t, err)
	return tokens.Session.Handle()
}

func TestEnd(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, own := a.signIn(t, "ada")
	phone, other := a.signIn(t, "ada")
	for i, status := range []int{http.StatusNoContent, http.StatusNotFound} {
		w := ada.Do(http.MethodDelete, "/auth/sessions/"+other, "")
		require.Equal(t, status, w.Code, "call %d", i)
		require.Empty(t, w.Header().Values("Set-Cookie"))
	}
	sessions, _ := list(t, ada, "")
	require.Len(t, sessions, 1)
	require.Equal(t, own, sessions[0].ID)
	// Whoever was thrown out throws out nobody: at once, and not when the token expires.
	for _, row := range [][2]string{{http.MethodGet, ""}, {http.MethodDelete, "/" + own}, {http.MethodPatch, "/" + own}, {http.MethodPost, "/revoke-others"}} {
		require.Equal(t, http.StatusUnauthorized, phone.Do(row[0], "/auth/sessions"+row[1], "").Code)
	}
	require.Equal(t, http.StatusOK, ada.Get("/auth/sessions").Code)
}

// Ending the session that asks is a sign-out: the client's tokens go, and the event says
// so.
func TestEnd_ofTheOwnOneSignsOut(t *testing.T) {
	t.Parallel()
	for _, byHeader := range []bool{false, true} {
		a := newApp(t, devices.Config{})
		ada := a.Client(t, a.router)
		ada.ByHeader = byHeader
		own := ada.Login("ada").Handle()
		w := ada.Do(http.MethodDelete, "/auth/sessions/"+own, "")
		require.Equal(t, http.StatusNoContent, w.Code)
		require.Empty(t, w.Body.String())
		if byHeader {
			require.Equal(t, []string{""}, w.Header()["St-Access-Token"])
			require.Equal(t, []string{""}, w.Header()["St-Refresh-Token"])
		} else {
			cleared := w.Result().Cookies()
			require.Len(t, cleared, 2)
			for _, cookie := range cleared {
				require.Negative(t, cookie.MaxAge)
			}
		}
		seen := a.Events(session.EventRevoked)
		require.Len(t, seen, 1)
		require.Equal(t, models.RevokedBySignOut, seen[0].Reason)
		require.Equal(t, http.StatusUnauthorized, ada.Get("/auth/sessions").Code)
	}
}

func TestRevokeOthers_keepsTheCurrentOne(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	bob, _ := a.signIn(t, "bob")
	for range 3 {
		a.signIn(t, "ada")
	}
	ada, own := a.signIn(t, "ada")
	for _, want := range []string{`{"revoked":3}`, `{"revoked":0}`} {
		w := ada.Post("/auth/sessions/revoke-others", "")
		require.Equal(t, http.StatusOK, w.Code)
		require.JSONEq(t, want, w.Body.String())
		require.Empty(t, w.Header().Values("Set-Cookie"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
	sessions, _ := list(t, ada, "")
	require.Len(t, sessions, 1)
	require.Equal(t, own, sessions[0].ID)
	sessions, _ = list(t, bob, "")
	require.Len(t, sessions, 1)
	seen := a.Events(session.EventRevoked)
	require.Equal(t, own, seen[0].Kept)
}

// Whatever is a label comes back as it was, and is text in the answer: JSON for a page
// that writes it as text, and nothing to a browser that takes it for HTML.
func TestLabel_roundTrip(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, own := a.signIn(t, "ada")
	phone, other := a.signIn(t, "ada")
	for _, label := range []string{
		"kitchen tablet", `<script>alert("1")</script>`, `"><img src=x onerror=alert(1)>`, "</script><!--", "' OR '1'='1", "&amp;", `\u003c`, "{{.}}",
		"Küche", "مطبخ", "👩\u200d🍳", strings.Repeat("👩", 64), strings.Repeat("<", 64), "",
	} {
		for _, id := range []string{own, other} {
			body, err := json.Marshal(map[string]string{"label": label})
			require.NoError(t, err)
			w := ada.Do(http.MethodPatch, "/auth/sessions/"+id, string(body))
			require.Equal(t, http.StatusNoContent, w.Code, w.Body)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		}
		w := phone.Get("/auth/sessions")
		require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.NotContains(t, w.Body.String(), "<")
		require.NotContains(t, w.Body.String(), ">")
		sessions, _ := list(t, phone, "")
		require.Len(t, sessions, 2)
		for _, s := range sessions {
			require.Equal(t, label, s.Label)
		}
	}
}

// The longest label in its longest writing fits.
func TestLabel_escaped(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, own := a.signIn(t, "ada")
	w := ada.Do(http.MethodPatch, "/auth/sessions/"+own, `{ "label" : "`+strings.Repeat(`\ud83d\udc69`, 64)+`" }`)
	require.Equal(t, http.StatusNoContent, w.Code)
	sessions, _ := list(t, ada, "")
	require.Equal(t, strings.Repeat("👩", 64), sessions[0].Label)
}

func TestLabel_badInput(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, own := a.signIn(t, "ada")
	require.Equal(t, http.StatusNoContent, ada.Do(http.MethodPatch, "/auth/sessions/"+own, `{"label":"before"}`).Code)
	for body, named := range map[string]string{
		`{"label":"` + strings.Repeat("x", 65) + `"}`:            "label",
		`{"label":"` + strings.Repeat(`\ud83d\udc69`, 65) + `"}`: "label",
		`{"label":"a\u0000"}`:                                    "label",
		`{"label":"a\nb"}`:                                       "label",
		`{"label":"\u001b[31m"}`:                                 "label",
		`{"label":"\u007f"}`:                                     "label",
		`{"label":"\u2028"}`:                                     "label",
		`{"label":"\u202egpj.exe"}`:                              "label",
		"{\"label\":\"a\xff\"}":                                  "body",
		"{\"label\":\"\xed\xa0\x80\"}":                           "body",
		"":                                                       "body",
		"null":                                                   "body",
		"{}":                                                     "body",
		`{"label":null}`:                                         "body",
		`{"label":7}`:                                            "body",
		`{"label":["x"]}`:                                        "body",
		`{"lable":"x"}`:                                          "body",
		`"x"`:                                                    "body",
		`[]`:                                                     "body",
		`{"label":"x"`:                                           "body",
		`{"label":"x"} x`:                                        "body",
		`{"label":"x"}{"label":"y"}`:                             "body",
		"label=x":                                                "body",
		`{"label":"x"}` + strings.Repeat(" ", 2<<10): "body",
		`{"x":"` + strings.Repeat("x", 1<<20) + `"}`: "body",
	} {
		a.store.Arm()
		requireRefused(t, ada.Do(http.MethodPatch, "/auth/sessions/"+own, body), http.StatusBadRequest, named)
		require.Equal(t, map[string]int{"Find": 1}, a.store.Counts(), "nothing is written: %.40s", body)
	}
	sessions, _ := list(t, ada, "")
	require.Equal(t, "before", sessions[0].Label)
}

// However many there are, an answer has an end, and whoever reads on sees each once.
func TestList_pages(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	now := a.Clock.Now().UnixMilli()
	for i := range 1100 {
		require.NoError(t, a.store.Insert(t.Context(), &models.Session{
			Handle: strings.Repeat("h", 20) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)),
			UserID: "ada", CreatedAt: now - 10_000 + int64(i), ExpiresAt: now + 1e9,
		}))
	}
	ada, own := a.signIn(t, "ada")
	for query, sizes := range map[string][]int{"?": {1000, 101}, "?limit=1000": {1000, 101}, "?limit=600": {600, 501}} {
		seen := map[string]bool{}
		position := ""
		for page, size := range sizes {
			sessions, after := list(t, ada, query+"&after="+position)
			require.Len(t, sessions, size, query)
			for _, s := range sessions {
				require.False(t, seen[s.ID])
				seen[s.ID] = true
				require.Equal(t, s.ID == own, s.Current)
			}
			require.Equal(t, page == len(sizes)-1, after == "", query)
			position = after
		}
		require.Len(t, seen, 1101)
		require.True(t, seen[own])
	}
	sessions, after := list(t, ada, "?limit=1")
	require.Len(t, sessions, 1)
	bob, _ := a.signIn(t, "bob")
	sessions, _ = list(t, bob, "?after="+after)
	for _, s := range sessions {
		require.True(t, s.Current, "a place of somebody else's list shows nothing of it")
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=1001", "limit=", "limit=x", "limit=1e3", "limit=99999999999999999999", "after=x", "after=1.", "after=%00", "after=1." + strings.Repeat("h", 200)} {
		a.store.Arm()
		requireRefused(t, ada.Get("/auth/sessions?"+query), http.StatusBadRequest, "after or limit")
		require.Equal(t, map[string]int{"Find": 1}, a.store.Counts(), query)
	}
}

// routes are all, with a placeholder for a handle.
var routes = [][2]string{{http.MethodGet, ""}, {http.MethodDelete, "/ID"}, {http.MethodPatch, "/ID"}, {http.MethodPost, "/revoke-others"}}

// serve sends a request that no front end has touched.
func (a *app) serve(t *testing.T, method, path, cookie string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example"+path, strings.NewReader(`{"label":"theirs"}`))
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	a.router.ServeHTTP(w, r)
	return w
}

// A page that somebody else made must not end or name a session.
func TestRoutes_wantTheAntiCSRFProof(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	tokens, err := a.Service.Create(t.Context(), "ada")
	require.NoError(t, err)
	own, other := tokens.Session.Handle(), newHandle(t, a)
	for _, row := range routes {
		for _, id := range []string{own, other} {
			path := "/auth/sessions" + strings.ReplaceAll(row[1], "ID", id)
			w := a.serve(t, row[0], path, "sAccessToken="+tokens.Access.Value)
			if row[0] == http.MethodGet {
				require.Equal(t, http.StatusOK, w.Code)
			} else {
				requireRefused(t, w, http.StatusUnauthorized, "try refresh token")
			}
			requireRefused(t, a.serve(t, row[0], path, ""), http.StatusUnauthorized, "unauthorised")
		}
	}
	list, err := a.Service.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Empty(t, list[0].Label)
	require.Empty(t, list[1].Label)
}

// An outage says nothing about the sessions: 503, and the client keeps its tokens.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ method, path, statement string }{
		{http.MethodGet, "", "Find"},
		{http.MethodGet, "", "List"},
		{http.MethodDelete, "/OWN", "Revoke"},
		{http.MethodDelete, "/OTHER", "Revoke"},
		{http.MethodPatch, "/OWN", "SetLabel"},
		{http.MethodPost, "/revoke-others", "RevokeAll"},
	} {
		a := newApp(t, devices.Config{})
		ada, own := a.signIn(t, "ada")
		path := strings.NewReplacer("OWN", own, "OTHER", newHandle(t, a)).Replace(row.path)
		a.store.Arm(storetest.Fault{Method: row.statement})
		w := ada.Do(row.method, "/auth/sessions"+path, `{"label":"x"}`)
		requireRefused(t, w, http.StatusServiceUnavailable, "unavailable")
		require.Empty(t, w.Header().Values("Set-Cookie"))
		a.store.Arm()
		sessions, _ := list(t, ada, "")
		require.Len(t, sessions, 2)
	}
}

// Who leaves the page after the click wants the others out all the same.
func TestRevokeOthers_afterTheClientHungUp(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{Verify: []session.VerifyOption{session.WithRevocation(session.RevokeAtExpiry)}})
	tokens, err := a.Service.Create(t.Context(), "ada")
	require.NoError(t, err)
	newHandle(t, a)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "https://app.example/auth/sessions/revoke-others", http.NoBody)
	r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
	r.Header.Set("Anti-Csrf", tokens.AntiCSRF)
	a.router.ServeHTTP(httptest.NewRecorder(), r)
	list, err := a.Service.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
}
