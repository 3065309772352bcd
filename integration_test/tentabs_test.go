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
			a.Clock.Advance(time.Hour)
			for _, n := range concurrently(t, 10, func(int) (int, error) { return b.reload() }) {
				refreshes += n
			}
			require.Empty(t, a.thefts, "round %d", round)
			require.NotEmpty(t, b.cookie(refreshPath, "sRefreshToken"), "round %d: the user is out", round)
		}
		require.Zero(t, a.count(session.EventTheft))
		t.Logf("%d rounds, %d refreshes, %d swaps, nobody out", rounds, refreshes, a.count(session.EventSwapped))
	})
}

// reload is what the script of a tab does: ask, refresh when it is refused, and ask
// again. It returns how often it refreshed.
func (b *browser) reload() (refreshes int, err error) {
	for range 10 {
		r, err := b.try(http.MethodGet, "/me", nil)
		if err != nil || r.Status == http.StatusOK {
			return refreshes, err
		}
		if r, err = b.try(http.MethodPost, refreshPath, nil); err != nil {
			return refreshes, err
		}
		if refreshes++; r.Status != http.StatusOK {
			return refreshes, fmt.Errorf("a refresh was answered %d: the user is out", r.Status)
		}
	}
	return refreshes, fmt.Errorf("refused after %d refreshes", refreshes)
}
