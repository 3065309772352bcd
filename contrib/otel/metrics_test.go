package otel_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/gin-sessionkit/sessionkit/contrib/otel"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// collected are the metrics that a reader of the SDK gets, by name.
func collected(t *testing.T, reader *sdk.ManualReader) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	found := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			found[m.Name] = m
		}
	}
	return found
}

// points are the numbers of a metric by the value of its attribute.
func points(t *testing.T, m metricdata.Metrics) (kind string, attributes map[string]bool, byValue map[string]float64) {
	t.Helper()
	attributes, byValue = map[string]bool{}, map[string]float64{}
	add := func(set attribute.Set, n float64) {
		require.LessOrEqual(t, set.Len(), 1, m.Name)
		value := ""
		if set.Len() == 1 {
			kv, _ := set.Get(0)
			attributes["  "+string(kv.Key)+" "+kv.Value.AsString()], value = true, kv.Value.AsString()
		}
		byValue[value] = n
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		require.True(t, data.IsMonotonic)
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
		return "counter", attributes, byValue
	case metricdata.Sum[float64]:
		require.True(t, data.IsMonotonic)
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
		return "counter", attributes, byValue
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	default:
		require.Fail(t, "another kind of metric", "%s: %T", m.Name, data)
	}
	return "gauge", attributes, byValue
}

// What a reader gets after known traffic, and nothing more once it is unregistered.
func TestMetrics(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	reader := sdk.NewManualReader()
	registration, err := otel.Metrics(kit.Service, sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("sessionkit"))
	require.NoError(t, err)

	tokens, err := kit.Service.Create(t.Context(), "alice")
	require.NoError(t, err)
	for range 3 {
		_, _, err = kit.Service.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
	}
	next, err := kit.Service.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	_, _, err = kit.Service.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
	require.NoError(t, err)
	_, err = kit.Service.Refresh(t.Context(), tokens.Refresh.Value)
	require.Error(t, err, "it was replaced")

	got := collected(t, reader)
	for name, want := range map[string]map[string]float64{
		"sessionkit.sign_ins":       {"ok": 1},
		"sessionkit.verifications":  {"ok": 4},
		"sessionkit.refreshes":      {"ok": 1, "token_theft": 1},
		"sessionkit.events":         {"session_created": 1, "session_refreshed": 1, "session_promoted": 1, "token_theft": 1},
		"sessionkit.sessions.ended": {"theft": 1},
		"sessionkit.keys":           {"access": 1, "refresh": 1},
	} {
		require.Contains(t, got, name)
		_, _, numbers := points(t, got[name])
		maps.DeleteFunc(numbers, func(_ string, n float64) bool { return n == 0 })
		require.Equal(t, want, numbers, name)
	}
	_, _, calls := points(t, got["sessionkit.store.calls"])
	require.Greater(t, calls[""], 4.0)
	_, _, took := points(t, got["sessionkit.store.time"])
	require.Greater(t, took[""], 0.0)

	require.NoError(t, registration.Unregister())
	require.Empty(t, collected(t, reader))
}

// Names, kinds, units and attributes with their values are frozen. UPDATE_DOCS=1 writes
// the file, for a change that the changelog tells of.
func TestNames(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{NewDeviceNotice: true})
	reader := sdk.NewManualReader()
	_, err := otel.Metrics(kit.Service, sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("sessionkit"))
	require.NoError(t, err)
	got := collected(t, reader)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		kind, attributes, _ := points(t, got[name])
		lines = append(lines, fmt.Sprintf("%s %s %s", name, kind, got[name].Unit))
		lines = append(lines, slices.Sorted(maps.Keys(attributes))...)
		require.NotEmpty(t, got[name].Description, name)
	}
	golden(t, "testdata/names.txt", lines)
}

// golden compares lines with a file.
func golden(t *testing.T, file string, lines []string) {
	t.Helper()
	got := strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644)) //nolint:gosec // for all to read
	}
	want, err := os.ReadFile(file) //nolint:gosec // the project's own
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
