package histories_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// tally counts what happened in the histories of one engine. A history in which
// nothing happens proves nothing, however many there are.
type tally map[string]int

func (y tally) String() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(y)) {
		parts = append(parts, fmt.Sprintf("%s=%d", what, y[what]))
	}
	return strings.Join(parts, ", ")
}

// answered counts an answer to somebody.
func (y tally) answered(who string, a rig.Answer) { y[who+": "+string(a)]++ }

// enough is how many histories are sure to contain all of must.
const enough = 200

// must is what does not fail to happen in enough histories.
func (e *env) must() []string {
	list := []string{
		"victim: ok", "victim: theft", "victim: unauthorised", "victim: try refresh", "victim: unavailable",
		"instant thief: ok", "instant thief: theft", "lazy thief: ok", "lazy thief: theft",
		"poller thief: ok", "poller thief: theft", "replay thief: theft",
		"access only thief: ok", "forger thief: unauthorised", "forger thief: try refresh",
		"request lost", "answer lost", "duplicated", "call failed", "call failed after its effect",
		"restart", "roll back", "revoke all", "sign-out", "idle end",
		"event " + string(session.EventRefreshed), "event " + string(session.EventPromoted),
		"event " + string(session.EventTheft), "event " + string(session.EventSwapped),
		"event " + string(session.EventDatabaseBehind),
	}
	if e.proxy != nil {
		list = append(list, "cut")
	}
	return list
}

// settle logs the tally and fails when the histories missed their subject.
func (e *env) settle(t *testing.T) {
	t.Helper()
	for _, kind := range []session.EventKind{
		session.EventRefreshed, session.EventPromoted, session.EventTheft, session.EventSwapped, session.EventDatabaseBehind,
	} {
		e.tally["event "+string(kind)] = e.ledger.Kind(kind)
	}
	if e.proxy != nil {
		e.tally["cut"] = e.proxy.Cuts()
	}
	if t.Failed() {
		return // rapid repeated the failing history until it was short
	}
	t.Logf("%s: %d histories: %s", e.name, e.histories, e.tally)
	require.Zero(t, e.tally["forger thief: ok"], "a forged token was accepted")
	require.Zero(t, e.tally["access only thief: theft"], "an access token alone ended a session")
	if e.histories < enough {
		return
	}
	for _, what := range e.must() {
		require.NotZero(t, e.tally[what], "never in %d histories: %s", e.histories, what)
	}
}
