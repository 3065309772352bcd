package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// tenTabRounds is how often ten tabs reload at once on each engine.
// SESSIONKIT_TEN_TABS overrides it.
func tenTabRounds(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("SESSIONKIT_TEN_TABS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	if testing.Short() {
		return 20
	}
	return 50
}

// Ten tabs of one browser reload at once after a pause, and refresh for every refusal
// without a look at what the others did. Whichever answer comes last is in the jar.
func TestWindow_TenTabs(t *testing.T) {
	t.Parallel()
	rounds := tenTabRounds(t)
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e, func(c *session.Config) { c.ConcurrentRefreshWindow = 10 * time.Second })
		b := a.signedIn("user")
		refreshes := 0
		for round := range rounds {
			a.clock.Advance(time.Hour)
			for _, n := range concurrently(t, 10, func(int) (int, error) { return b.reload() }) {
				refreshes += n
			}
			require.Empty(t, a.thefts, "round %d", round)
			require.NotEmpty(t, b.cookie(refreshPath, "sRefreshToken"), "round %d: the user is out", round)
		}
		require.Zero(t, a.events.count(session.EventTheft))
		t.Logf("%d rounds, %d refreshes, %d swaps, nobody out", rounds, refreshes, a.events.count(session.EventSwapped))
	})
}

// reload is what the script of a tab does: ask, refresh when it is refused, and ask
// again. It returns how often it refreshed.
func (b *browser) reload() (refreshes int, err error) {
	for range 10 {
		status, err := b.status(http.MethodGet, "/me")
		if err != nil || status == http.StatusOK {
			return refreshes, err
		}
		if status, err = b.status(http.MethodPost, refreshPath); err != nil {
			return refreshes, err
		}
		if refreshes++; status != http.StatusOK {
			return refreshes, fmt.Errorf("a refresh was answered %d: the user is out", status)
		}
	}
	return refreshes, fmt.Errorf("refused after %d refreshes", refreshes)
}

// status sends a request that needs no proof. Any number may be under way at once.
func (b *browser) status(method, path string) (int, error) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.app.server.URL+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
