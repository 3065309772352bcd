package prometheus_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/contrib/prometheus"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// scraped is what a scrape brought: the number of each series, as in
// `sessionkit_events_total{kind="token_theft"}`.
type scraped map[string]float64

// scrape asks a server for the numbers over HTTP and parses them as Prometheus does.
func scrape(t *testing.T, url string) (map[string]*dto.MetricFamily, scraped) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	require.NoError(t, err)
	numbers := scraped{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			numbers[seriesOf(name, m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return families, numbers
}

func seriesOf(name string, m *dto.Metric) string {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
	}
	if len(labels) == 0 {
		return name
	}
	return name + "{" + strings.Join(labels, ",") + "}"
}

// application is a router with a page and the refresh route.
func application(svc *session.Service) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	refresh.Mount(router, svc)
	router.GET("/me", middleware.Verify(svc), func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	return router
}

// exporter serves the numbers of svc.
func exporter(t *testing.T, svc *session.Service) string {
	t.Helper()
	registry := client.NewPedanticRegistry()
	registry.MustRegister(prometheus.New(svc))
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(server.Close)
	return server.URL
}

// What a scrape brings after known traffic.
func TestScrape(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	url := exporter(t, kit.Service)
	_, before := scrape(t, url)
	app := application(kit.Service)

	alice := kit.Client(t, app)
	alice.Login("alice")
	for range 5 {
		require.Equal(t, http.StatusOK, alice.Get("/me").Code)
	}
	thief := kit.Steal(alice)
	kit.Expire()
	require.Equal(t, http.StatusOK, thief.Get("/me").Code)           // expired, refreshed, good
	require.Equal(t, http.StatusUnauthorized, alice.Get("/me").Code) // expired, theft
	bob := kit.Client(t, app)
	bob.Login("bob")
	require.Equal(t, http.StatusOK, bob.Post("/auth/signout", "").Code)
	require.Equal(t, http.StatusUnauthorized, kit.Client(t, app).Get("/me").Code)

	_, after := scrape(t, url)
	grown := scraped{}
	for series, n := range after {
		if strings.Contains(series, "_total") && !strings.Contains(series, "_store_call") && n != before[series] {
			grown[series] = n - before[series]
		}
	}
	require.Equal(t, scraped{
		`sessionkit_sign_ins_total{result="ok"}`:                 2,
		`sessionkit_verifications_total{result="ok"}`:            7,
		`sessionkit_verifications_total{result="token_expired"}`: 2,
		`sessionkit_verifications_total{result="token_missing"}`: 1,
		`sessionkit_refreshes_total{result="ok"}`:                1,
		`sessionkit_refreshes_total{result="token_theft"}`:       1,
		`sessionkit_events_total{kind="session_created"}`:        2,
		`sessionkit_events_total{kind="session_refreshed"}`:      1,
		`sessionkit_events_total{kind="session_promoted"}`:       1,
		`sessionkit_events_total{kind="session_revoked"}`:        1,
		`sessionkit_events_total{kind="token_theft"}`:            1,
		`sessionkit_sessions_ended_total{reason="sign-out"}`:     1,
		`sessionkit_sessions_ended_total{reason="theft"}`:        1,
		`sessionkit_token_cache_misses_total`:                    grown[`sessionkit_token_cache_misses_total`],
	}, grown)
	require.Greater(t, grown[`sessionkit_token_cache_misses_total`], 0.0)
	require.Greater(t, after[`sessionkit_store_calls_total`], before[`sessionkit_store_calls_total`])
	require.Greater(t, after[`sessionkit_store_call_seconds_total`], 0.0)
	require.Equal(t, 1.0, after[`sessionkit_keys{kind="access"}`])
}

// Names, types, labels and their values are frozen: dashboards and alarms of users go
// by them. UPDATE_DOCS=1 writes the file, for a change that the changelog tells of.
func TestNames(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{NewDeviceNotice: true})
	families, _ := scrape(t, exporter(t, kit.Service))
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(families)) {
		lines = append(lines, name+" "+strings.ToLower(families[name].GetType().String()))
		values := map[string]bool{}
		for _, m := range families[name].GetMetric() {
			require.LessOrEqual(t, len(m.GetLabel()), 1)
			for _, l := range m.GetLabel() {
				require.Contains(t, []string{"kind", "reason", "result"}, l.GetName())
				values["  "+l.GetName()+" "+l.GetValue()] = true
			}
		}
		lines = append(lines, slices.Sorted(maps.Keys(values))...)
	}
	const file = "testdata/names.txt"
	got := strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644)) //nolint:gosec // for all to read
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// A scrape while requests come sees no number fall.
func TestScrape_underLoad(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	url := exporter(t, kit.Service)
	app := application(kit.Service)
	done := make(chan struct{})
	go func() {
		defer close(done)
		alice := kit.Client(t, app)
		alice.Login("alice")
		for range 2000 {
			alice.Get("/me")
		}
	}()
	last := scraped{}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		_, now := scrape(t, url)
		for series, n := range now {
			if strings.Contains(series, "_total") {
				require.GreaterOrEqual(t, n, last[series], series)
			}
		}
		last = now
	}
	require.Equal(t, 2000.0, last[`sessionkit_verifications_total{result="ok"}`])
}
