//go:build e2e

package browser_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func learnsOfRevocationAtOnce(t *testing.T, w *world) {
	w.signIn()
	w.must(http.StatusOK, w.get("/strict"))
	w.state()
	require.Equal(t, 1, w.app.revokeAll(t.Context(), t, user))
	r := w.must(w.expired(), w.get("/strict"))
	require.Contains(t, r.Body, "unauthorised")
	require.Zero(t, w.refreshes(http.StatusOK))
	w.toldOfTheEnd()
	w.signedOut()
}

func learnsOfRevocationAtRefresh(t *testing.T, w *world) {
	w.signIn()
	w.must(http.StatusOK, w.get("/me"))
	w.state()
	refused := w.refreshes(w.expired())
	require.Equal(t, 1, w.app.revokeAll(t.Context(), t, user))
	w.app.expire()
	w.must(w.expired(), w.get("/me"))
	require.Equal(t, refused+1, w.refreshes(w.expired()), "refreshes that were refused")
	w.toldOfTheEnd()
	w.signedOut()
}

func seesTheft(t *testing.T, w *world) {
	w.signIn()
	w.must(http.StatusOK, w.get("/me"))
	w.state()
	th := w.robbed()
	w.app.expire() // no window is as long
	require.Equal(t, http.StatusOK, th.refreshes())
	require.Equal(t, http.StatusOK, th.reads("/me"), "the new token, which makes the page's a replaced one")
	require.Zero(t, w.app.thefts())

	refused := w.refreshes(w.expired())
	w.app.expire()
	r := w.must(w.expired(), w.get("/me"))
	if w.passesRefreshOn() {
		require.Contains(t, r.Body, "token theft detected")
	}
	require.Equal(t, refused+1, w.refreshes(w.expired()), "refreshes that were refused")
	require.Equal(t, 1, w.app.thefts())
	require.Equal(t, w.expired(), th.reads("/strict"), "the thief is out too")
	require.Equal(t, w.expired(), th.refreshes(), "the thief is out too")
	w.toldOfTheEnd()
	w.signedOut()
	require.Equal(t, 1, w.app.thefts(), "one theft, one alarm")

	w.signIn()
	w.must(http.StatusOK, w.get("/me"))
}

// toldOfTheEnd asserts that the page got to know that its session ended.
func (w *world) toldOfTheEnd() {
	w.t.Helper()
	if !w.tellsEvents() {
		return
	}
	seen := w.state()
	require.True(w.t, seen.has("UNAUTHORISED"), "%v", seen.Events)
	for _, e := range seen.Events {
		if w.tellsReasons() && e.Action == "UNAUTHORISED" {
			require.NotNil(w.t, e.Expired)
			require.True(w.t, *e.Expired, "sessionExpiredOrRevoked")
			return
		}
	}
}
