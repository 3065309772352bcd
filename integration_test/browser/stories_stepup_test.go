//go:build e2e

package browser_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authenticatesAgain: a route wants a proof that is younger than ten minutes. A front
// end that took the refusal for an expired token would refresh and ask again, up to ten
// times; one that took it for the end would forget the session.
func authenticatesAgain(t *testing.T, w *world) {
	const text = `{"text":"` + unicode + `"}`
	w.signIn()
	w.must(http.StatusOK, w.get("/danger"))
	w.must(http.StatusOK, w.post("/danger", text))

	w.app.Clock.Advance(11 * time.Minute)
	w.askedToAuthenticate(w.get("/danger"))
	w.askedToAuthenticate(w.post("/danger", text))
	require.Equal(t, 1, w.app.log.count(http.MethodGet, "/danger", http.StatusForbidden), "asked once")
	require.Equal(t, 1, w.app.log.count(http.MethodPost, "/danger", http.StatusForbidden), "asked once")
	w.wantRefreshes(0)
	require.True(t, w.state().Exists)
	w.must(http.StatusOK, w.get("/me"))

	// The refresh, which is due some day, is no proof.
	w.app.expire()
	w.askedToAuthenticate(w.post("/danger", text))
	require.Equal(t, 2, w.app.log.count(http.MethodPost, "/danger", http.StatusForbidden))
	w.wantRefreshes(1)
	require.True(t, w.state().Exists)
	w.must(http.StatusOK, w.get("/me"))

	w.signIn()
	w.must(http.StatusOK, w.get("/danger"))
	w.must(http.StatusOK, w.post("/danger", text))
	w.wantRefreshes(1)
	require.Zero(t, w.app.thefts())
}

// askedToAuthenticate asserts that the page is told what is missing.
func (w *world) askedToAuthenticate(r reply) {
	w.t.Helper()
	var body refusal
	require.NoError(w.t, json.Unmarshal([]byte(w.must(http.StatusForbidden, r).Body), &body))
	require.Equal(w.t, "invalid claim", body.Message)
	require.Equal(w.t, []claimFailure{{
		ID: "auth_time", Reason: map[string]any{"message": "authenticate again", "max_age": float64(600)},
	}}, body.Errors)
}
