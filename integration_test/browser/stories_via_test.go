//go:build e2e

package browser_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func livesByXHR(t *testing.T, w *world) {
	livesBy(t, w, "xhr")
	// A refusal with a body that is no JSON object would turn into an error event.
	w.signInVia("xhr")
	w.must(http.StatusForbidden, w.send(get("xhr", "/admin")))
}

func livesByAxios(t *testing.T, w *world) { livesBy(t, w, "axios") }

// livesBy is a session's whole life by one way of sending requests.
func livesBy(t *testing.T, w *world, via string) {
	w.signInVia(via)
	w.must(http.StatusOK, w.send(get(via, "/me")))
	w.must(http.StatusOK, w.send(post(via, "/echo", `{"text":"`+unicode+`"}`)))
	if !w.byHeader() {
		require.Contains(t, w.app.log.last(http.MethodPost, "/echo").sent, "anti-csrf")
	}
	w.wantRefreshes(0)

	w.app.expire()
	const n = 6
	w.app.gate.holdFor(n)
	calls := make([]call, n)
	for i := range calls {
		calls[i] = get(via, "/me")
	}
	for i, r := range ask[[]reply](w.tab, "callAll", calls) {
		require.Equal(t, http.StatusOK, r.Status, "call %d: %+v", i, r)
	}
	done := w.refreshes(http.StatusOK)
	if via == "axios" && !w.interceptsXHR() {
		// The interceptors for axios note which token a request had only when its
		// answer comes. One that comes late costs another refresh, and no more.
		require.LessOrEqual(t, done, n)
	} else {
		require.Equal(t, 1, done, "refreshes that succeeded")
	}
	w.must(http.StatusOK, w.send(post(via, "/payload", `{"plan":"`+unicode+`"}`)))
	if w.readsFrontToken() {
		require.Equal(t, unicode, w.state().Payload["plan"])
	}
	w.must(http.StatusOK, w.send(post(via, "/revoke", `{}`)))
	w.wantRefreshes(done)
	w.signedOut()
	w.must(w.expired(), w.send(get(via, "/me")))
}

// refusal is the body of a 403.
type refusal struct {
	Message string         `json:"message"`
	Errors  []claimFailure `json:"claimValidationErrors"`
}

type claimFailure struct {
	ID     string         `json:"id"`
	Reason map[string]any `json:"reason"`
}

func seesClaimFailure(t *testing.T, w *world) {
	w.signIn()
	w.state()
	// The role is missing, then wrong, then right.
	w.refused("value does not exist")
	w.must(http.StatusOK, w.post("/role", `{"role":"guest"}`))
	require.Equal(t, "guest", w.refused("wrong value"))
	w.must(http.StatusOK, w.post("/role", `{"role":"admin"}`))
	w.must(http.StatusOK, w.get("/admin"))
	if w.knowsClaims() {
		verdict := ask[claimVerdict](w.tab, "claim", "role", "admin")
		require.Equal(t, "admin", verdict.Value)
		require.Empty(t, verdict.Failures)
	}
	require.True(t, w.state().Exists)
	w.wantRefreshes(0)
}

// claimVerdict is what the front end itself says of a claim.
type claimVerdict struct {
	Value    any            `json:"value"`
	Failures []claimFailure `json:"failures"`
}

// refused asserts that the server's verdict on the role is the front end's own. It
// returns the value that the page sees.
func (w *world) refused(message string) any {
	w.t.Helper()
	r := w.must(http.StatusForbidden, w.get("/admin"))
	var body refusal
	require.NoError(w.t, json.Unmarshal([]byte(r.Body), &body))
	require.Equal(w.t, "invalid claim", body.Message)
	require.Len(w.t, body.Errors, 1)
	require.Equal(w.t, "role", body.Errors[0].ID)
	require.Equal(w.t, message, body.Errors[0].Reason["message"])
	if !w.knowsClaims() {
		return body.Errors[0].Reason["actualValue"]
	}
	require.True(w.t, w.state().has("API_INVALID_CLAIM"))
	require.Equal(w.t, body.Errors, ask[[]claimFailure](w.tab, "invalidClaims", r.Body))
	verdict := ask[claimVerdict](w.tab, "claim", "role", "admin")
	require.Equal(w.t, body.Errors, verdict.Failures)
	return verdict.Value
}
