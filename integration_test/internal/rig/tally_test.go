package rig_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// serving is a crowd of two before a server that does nothing but f.
func serving(t *testing.T, f http.HandlerFunc) *rig.Crowd {
	t.Helper()
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	return rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 2, Tabs: 1, Pace: 5 * time.Millisecond, Timeout: 50 * time.Millisecond, Strict: []string{server.URL},
	})
}

// What hangs until the client gives up is seen.
func TestTally_CountsRequestsThatHang(t *testing.T) {
	t.Parallel()
	crowd := serving(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	require.Eventually(t, func() bool { return crowd.Tally().Numbers().Timeouts > 2 }, 30*time.Second, 5*time.Millisecond)
	crowd.Stop()
	n := crowd.Tally().Numbers()
	require.Equal(t, n.Requests, n.Timeouts)
	require.GreaterOrEqual(t, n.Slowest, 50*time.Millisecond)
	require.GreaterOrEqual(t, n.P99, 50*time.Millisecond)
}

// A 503 must say when to come back and leave the tokens alone.
func TestTally_LooksAtEach503(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		headers map[string]string
		want    string
	}{
		"right":              {map[string]string{"Retry-After": "1"}, ""},
		"no Retry-After":     {nil, "503 without Retry-After: POST"},
		"takes cookies away": {map[string]string{"Retry-After": "1", "Set-Cookie": "sAccessToken=; Max-Age=0"}, "503 with Set-Cookie: POST"},
		"ends a native app":  {map[string]string{"Retry-After": "1", "St-Access-Token": ""}, "503 with St-Access-Token: POST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crowd := serving(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, value := range row.headers {
					w.Header().Set(key, value)
				}
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			require.Eventually(t, func() bool { return crowd.Tally().Numbers().Unavailable > 2 }, 30*time.Second, 5*time.Millisecond)
			crowd.Stop()
			if row.want == "" {
				require.Empty(t, crowd.Tally().Failures())
				return
			}
			require.NotEmpty(t, crowd.Tally().Failures())
			require.Contains(t, crowd.Tally().Failures()[0], row.want)
		})
	}
}
