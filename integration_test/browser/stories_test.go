//go:build e2e

package browser_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func signsInAndReads(t *testing.T, w *world) {
	w.signIn()
	me := w.must(http.StatusOK, w.get("/me"))
	require.Contains(t, me.Body, unicode)

	seen := w.state()
	require.True(t, seen.Exists)
	if w.readsFrontToken() {
		require.Equal(t, user, seen.UserID)
		require.Equal(t, unicode, seen.Payload["name"])
	}
	if w.tellsEvents() {
		require.True(t, seen.has("SESSION_CREATED"), "%v", seen.Events)
	}
	// Scripts must not be able to read what authenticates, unless the
	// application asked for that.
	require.NotContains(t, seen.Cookies, "sAccessToken")
	require.NotContains(t, seen.Cookies, "sRefreshToken")
	tokens := w.tokens()
	require.Len(t, tokens, 2)
	if w.byHeader() {
		require.Contains(t, tokens, "st-access-token")
		require.Equal(t, tokens["st-access-token"], ask[string](w.tab, "accessToken"))
		require.Contains(t, w.app.log.last(http.MethodGet, "/me").sent, "authorization")
	} else {
		require.Contains(t, tokens, "sAccessToken")
	}

	w.load()
	w.must(http.StatusOK, w.get("/me"))
	require.True(t, w.state().Exists, "after a reload")
	w.wantRefreshes(0)
}

func refreshesSilently(t *testing.T, w *world) {
	w.signIn()
	before := w.tokens()
	for i := range 3 {
		w.app.expire()
		w.must(http.StatusOK, w.get("/me"))
		w.wantRefreshes(i + 1)
		w.must(http.StatusOK, w.get("/me"))
		w.wantRefreshes(i + 1)
	}
	for name, value := range w.tokens() {
		require.NotEqual(t, before[name], value, name)
	}
	require.True(t, w.state().Exists)
	require.True(t, ask[bool](w.tab, "refresh"), "a refresh that the page asks for")
	w.wantRefreshes(4)
}

func refreshesOnceForSix(t *testing.T, w *world) {
	w.signIn()
	w.app.expire()
	const n = 6
	// All have got their 401 before the refresh is answered.
	w.app.gate.holdFor(n)
	calls := make([]call, n)
	for i := range calls {
		calls[i] = get("fetch", "/me")
	}
	for i, r := range ask[[]reply](w.tab, "callAll", calls) {
		require.Equal(t, http.StatusOK, r.Status, "call %d: %+v", i, r)
	}
	w.wantRefreshes(1)
	require.Equal(t, n, w.app.log.count(http.MethodGet, "/me", w.expired()))
}

// Tabs are processes of their own. Now and then one sees the lock released
// before it sees the other's new marker, and refreshes too: that costs a request and must
// never look like theft. Usually there is one refresh, and one of a few rounds must show it.
func refreshesOnceForTwoTabs(t *testing.T, w *world) {
	w.signIn()
	other := newTab(w.ctx, t)
	w.loadIn(other)
	const rounds = 4
	refreshes := 0
	for round := 0; round < rounds && refreshes != 1; round++ {
		before := w.refreshes(http.StatusOK)
		w.race(other)
		refreshes = w.refreshes(http.StatusOK) - before
		require.LessOrEqual(t, refreshes, 2, "refreshes of two tabs")
	}
	require.Equal(t, 1, refreshes, "refreshes of two tabs, in %d rounds", rounds)
	// Both go on with the tokens of the new pair.
	require.Equal(t, http.StatusOK, ask[reply](other, "call", post("fetch", "/echo", `{"text":"a"}`)).Status)
	w.must(http.StatusOK, w.post("/echo", `{"text":"b"}`))
}

// race lets the token expire and both tabs notice before either has refreshed.
func (w *world) race(other *tab) {
	w.t.Helper()
	told := w.app.log.count(http.MethodGet, "/me", w.expired())
	w.app.expire()
	w.app.gate.holdFor(2)
	type outcome struct {
		reply
		err error
	}
	outcomes := make(chan outcome, 2)
	for _, p := range []*tab{w.tab, other} {
		go func() {
			r, err := try[reply](p, "call", get("fetch", "/me"))
			outcomes <- outcome{r, err}
		}()
	}
	for range 2 {
		o := <-outcomes
		require.NoError(w.t, o.err)
		require.Equal(w.t, http.StatusOK, o.Status, "%+v\nthe other tab saw:\n%s", o.reply, other)
	}
	require.Equal(w.t, told+2, w.app.log.count(http.MethodGet, "/me", w.expired()))
}

func survivesLostRefresh(t *testing.T, w *world) {
	w.signIn()
	w.app.expire()
	w.app.loseRefresh.Store(true)
	// The page may learn of it by an error, or the browser tries again by itself.
	first := w.get("/me")
	require.False(t, w.app.loseRefresh.Load(), "no refresh came: %+v", first)
	require.NotEqual(t, w.expired(), first.Status)
	w.must(http.StatusOK, w.get("/me"))
	w.must(http.StatusOK, w.post("/echo", `{"text":"a"}`))
	require.True(t, w.state().Exists)
}

func postsWithProof(t *testing.T, w *world) {
	w.signIn()
	body := fmt.Sprintf(`{"text":%q}`, unicode)
	r := w.must(http.StatusOK, w.post("/echo", body))
	require.Contains(t, r.Body, unicode)
	if !w.byHeader() {
		require.Contains(t, w.app.log.last(http.MethodPost, "/echo").sent, "anti-csrf")
	}

	// Cookies alone prove nothing: this is what a forged request looks like.
	forged := w.must(w.expired(), w.send(post("raw", "/echo", body)))
	if !w.byHeader() {
		require.Contains(t, forged.Body, "try refresh token")
	}
	w.wantRefreshes(0)

	// The proof changes with the refresh, and the page keeps up.
	w.app.expire()
	w.must(http.StatusOK, w.post("/echo", body))
	w.must(http.StatusOK, w.post("/echo", body))
	w.wantRefreshes(1)
}

func seesPayloadUpdate(t *testing.T, w *world) {
	w.signIn()
	w.state()
	w.must(http.StatusOK, w.post("/payload", `{"plan":"`+unicode+`","name":null}`))
	check := func() {
		t.Helper()
		me := w.must(http.StatusOK, w.get("/me"))
		require.Contains(t, me.Body, `"payload":{"plan":"`+unicode+`"}`)
		if !w.readsFrontToken() {
			return
		}
		seen := w.state()
		require.Equal(t, unicode, seen.Payload["plan"])
		require.NotContains(t, seen.Payload, "name")
		if w.tellsUpdates() && w.refreshes(http.StatusOK) == 0 {
			require.True(t, seen.has("ACCESS_TOKEN_PAYLOAD_UPDATED"), "%v", seen.Events)
		}
	}
	check()
	w.wantRefreshes(0)
	w.must(http.StatusOK, w.post("/echo", `{"text":"the proof is still good"}`))
	w.app.expire()
	check()
	w.wantRefreshes(1)
}

func signsOut(t *testing.T, w *world) {
	w.signIn()
	w.must(http.StatusOK, w.get("/me"))
	w.state()
	w.endSession()
	if w.tellsEvents() {
		require.True(t, w.state().has("SIGN_OUT"))
	}
	w.signedOut()

	// An expired token is no obstacle.
	w.signIn()
	w.app.expire()
	w.endSession()
	w.wantRefreshes(1)
	w.signedOut()

	w.signIn()
	w.must(http.StatusOK, w.get("/me"))
}

// endSession signs out as the generation does it.
func (w *world) endSession() {
	w.t.Helper()
	if w.signsOut() {
		require.Empty(w.t, ask[string](w.tab, "signOut"), "signOut() threw")
		return
	}
	w.must(http.StatusOK, w.post("/revoke", `{}`))
}

func visits(t *testing.T, w *world) {
	want := 0
	if w.refreshesVisitors() {
		want = 1
	}
	for range 2 {
		w.must(w.expired(), w.get("/me"))
		w.must(w.expired(), w.post("/echo", `{"text":"a"}`))
		require.False(t, w.state().Exists)
		require.Equal(t, want, w.refreshes(w.expired()), "refreshes of a visitor")
		w.load()
	}
	w.wantRefreshes(0)
	w.signIn()
	w.must(http.StatusOK, w.get("/me"))
}
