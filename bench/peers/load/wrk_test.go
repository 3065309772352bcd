package load_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
)

// printed is what wrk 4.1 prints.
const printed = `Running 1s test @ http://127.0.0.1:41873/me
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   337.51us  320.15us   6.53ms   93.52%
    Req/Sec    51.52k     2.61k   54.53k    90.91%
  Latency Distribution
     50%  273.00us
     75%  349.00us
     90%  535.00us
     99%    1.31ms
  56840 requests in 1.10s, 9.43MB read
Requests/sec:  51630.11
Transfer/sec:      8.57MB
`

func TestParseWrk(t *testing.T) {
	t.Parallel()
	got, err := load.ParseWrk(printed)
	require.NoError(t, err)
	require.Equal(t, load.Result{
		Requests: 56840, Elapsed: 1100 * time.Millisecond,
		P50: 273 * time.Microsecond, P99: 1310 * time.Microsecond,
	}, got)
	require.InDelta(t, 51672.7, got.Rate(), 0.1)
}

func TestParseWrkRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"refusals":                strings.Replace(printed, "Requests/sec", "  Non-2xx or 3xx responses: 3\nRequests/sec", 1),
		"late among broken links": strings.Replace(printed, "Requests/sec", "  Socket errors: connect 0, read 1, write 0, timeout 2\nRequests/sec", 1),
		"broken links":            strings.Replace(printed, "Requests/sec", "  Socket errors: connect 0, read 1, write 0, timeout 0\nRequests/sec", 1),
		"no latencies":            strings.Replace(printed, "99%", "", 1),
		"another print":           "unable to connect to 127.0.0.1:9 Connection refused\n",
		"nothing":                 "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load.ParseWrk(text)
			require.Error(t, err)
			require.NotErrorIs(t, err, load.ErrSilent)
		})
	}
}

// Nothing that a server did wrong: it is measured again.
func TestParseWrkKnowsSilence(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no answers":   strings.Replace(printed, "56840 requests", "0 requests", 1),
		"late answers": strings.Replace(printed, "Requests/sec", "  Socket errors: connect 0, read 0, write 0, timeout 16\nRequests/sec", 1),
	} {
		_, err := load.ParseWrk(text)
		require.ErrorIs(t, err, load.ErrSilent, name)
	}
}
