package prometheus_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// program finds a program of Debian's package prometheus. Where the environment says
// that it must be there, which `make contrib` installs, its absence is a failure.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("SESSIONKIT_TEST_PROMETHEUS") == "" {
		t.Skipf("%s is not installed (Debian's package prometheus; make contrib installs it): what it would run is not tried", name)
	}
	require.NoError(t, err)
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t, name), args...).CombinedOutput() //nolint:gosec // our own arguments
	require.NoError(t, err, "%s", out)
	return string(out)
}

// The rules are valid, and promtool's own tests of them pass: each alarm is silent
// while nothing is wrong and comes when it is.
func TestAlerts(t *testing.T) {
	t.Parallel()
	run(t, "promtool", "check", "rules", "alerts.yml")
	t.Log(run(t, "promtool", "test", "rules", "alerts_test.yml"))
}

// Each alarm has a test, and the page for operators says what to do about it.
func TestAlerts_areTested(t *testing.T) {
	t.Parallel()
	rules, tests, page := text(t, "alerts.yml"), text(t, "alerts_test.yml"), text(t, "../../docs/operations.md")
	alerts := regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	require.NotEmpty(t, alerts)
	for _, alert := range alerts {
		require.Contains(t, tests, "alertname: "+alert[1]+"\n")
		require.Contains(t, page, "`"+alert[1]+"`")
	}
	for _, alert := range regexp.MustCompile("`(Sessionkit[A-Z]\\w+)`").FindAllStringSubmatch(page, -1) {
		require.Contains(t, rules, "- alert: "+alert[1]+"\n")
	}
}

// Every name and every value of a label that the dashboard and the alarms speak of is
// one that a scrape brings: a misspelt one would be an alarm that never comes.
func TestNames_areThere(t *testing.T) {
	t.Parallel()
	names := text(t, "testdata/names.txt")
	spoken := text(t, "alerts.yml") + strings.Join(expressions(t), "\n")
	for _, name := range regexp.MustCompile(`\bsessionkit_[a-z_]+`).FindAllString(spoken, -1) {
		if name != "sessionkit_" { // the begin of a pattern
			require.Contains(t, "\n"+names, "\n"+name+" ", name)
		}
	}
	for _, m := range regexp.MustCompile(`(kind|reason|result)[=!]~?"([a-z_|]+)"`).FindAllStringSubmatch(spoken, -1) {
		for value := range strings.SplitSeq(m[2], "|") {
			require.Contains(t, names, "  "+m[1]+" "+value+"\n")
		}
	}
}

// Each expression of the dashboard brings numbers in Debian's Prometheus, from scrapes
// that were recorded while clients came and went.
func TestDashboard(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	const scrapes, every = 60, 15 * time.Second
	server := serve(t, blocks(t, record(t, scrapes, every)))
	end := start.Add((scrapes - 1) * every)
	list := expressions(t)
	require.Greater(t, len(list), 20)
	for _, expression := range list {
		found := query(t, server, expression, end)
		require.NotEmpty(t, found, expression)
		for _, value := range found {
			require.False(t, math.IsNaN(value) || math.IsInf(value, 0), "%s: %v", expression, value)
		}
	}
	for expression, want := range map[string]float64{
		`sum(sessionkit_sign_ins_total{result="ok"})`:                 scrapes,
		`sum(sessionkit_events_total{kind="token_theft"})`:            scrapes / 10,
		`sum(sessionkit_sessions_ended_total{reason="theft"})`:        scrapes / 10,
		`sum(sessionkit_verifications_total{result="token_missing"})`: scrapes,
	} {
		require.Equal(t, []float64{want}, query(t, server, expression, end), expression)
	}
}

// record is what scrapes brought while clients came: in the format OpenMetrics, with
// the time of each.
func record(t *testing.T, scrapes int, every time.Duration) string {
	t.Helper()
	kit := sessiontest.New(t, session.Config{AccessTokenValidity: 2 * time.Minute})
	exported, app := exporter(t, kit.Service), application(kit.Service)
	visitor := kit.Client(t, app)
	samples, types := map[string]map[string][]string{}, map[string]string{}
	for i := range scrapes {
		user := kit.Client(t, app)
		user.Login("user-" + strconv.Itoa(i))
		user.Get("/me")
		visitor.Get("/me")
		if i%10 == 9 {
			thief := kit.Steal(user)
			user.Refresh()
			user.Get("/me")
			thief.Refresh()
		}
		families, _ := scrape(t, exported)
		at := kit.Clock.Now().Unix()
		for name, family := range families {
			types[name] = strings.ToLower(family.GetType().String())
			for _, m := range family.GetMetric() {
				m.Label = append(m.Label, pair("job", "app"), pair("instance", "a"))
				if samples[name] == nil {
					samples[name] = map[string][]string{}
				}
				series := seriesOf(name, m)
				samples[name][series] = append(samples[name][series], fmt.Sprintf("%s %v %d\n", series, numberOf(m), at))
			}
		}
		kit.Advance(every)
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		fmt.Fprintf(&out, "# TYPE %s %s\n", strings.TrimSuffix(name, "_total"), types[name])
		for _, series := range slices.Sorted(maps.Keys(samples[name])) {
			out.WriteString(strings.Join(samples[name][series], ""))
		}
	}
	return out.String() + "# EOF\n"
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func numberOf(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }

// blocks is a folder of Prometheus's with the recorded scrapes in it.
func blocks(t *testing.T, recorded string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "recorded")
	require.NoError(t, os.WriteFile(file, []byte(recorded), 0o600))
	run(t, "promtool", "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data"))
	return filepath.Join(dir, "data")
}

// serve starts Debian's Prometheus on a folder, and returns where it listens.
func serve(t *testing.T, data string) string {
	t.Helper()
	config := filepath.Join(filepath.Dir(data), "prometheus.yml")
	require.NoError(t, os.WriteFile(config, []byte("global: {}\n"), 0o600))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	command := exec.CommandContext(t.Context(), program(t, "prometheus"), //nolint:gosec // our own arguments
		"--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=3650d",
		"--web.listen-address="+address, "--log.level=warn")
	command.Stderr = t.Output()
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	require.Eventually(t, func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/-/ready", nil)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	return "http://" + address
}

// query are the numbers that an expression has at a time.
func query(t *testing.T, server, expression string, at time.Time) (values []float64) {
	t.Helper()
	ask := server + "/api/v1/query?" + url.Values{"query": {expression}, "time": {strconv.FormatInt(at.Unix(), 10)}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ask, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var got struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&got))
	require.Equal(t, "success", got.Status, "%s: %s", expression, got.Error)
	for _, r := range got.Data.Result {
		value, err := strconv.ParseFloat(r.Value[1].(string), 64)
		require.NoError(t, err)
		values = append(values, value)
	}
	return values
}

// expressions are those of the dashboard's panels, with what Grafana puts in.
func expressions(t *testing.T) (list []string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, "dashboard.json")), &board))
	grafana := strings.NewReplacer("$__rate_interval", "5m", "$job", ".+")
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			list = append(list, grafana.Replace(target.Expr))
		}
	}
	return list
}

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file) //nolint:gosec // the project's own
	require.NoError(t, err)
	return string(content)
}
