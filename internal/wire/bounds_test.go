package wire_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// Whoever sends a megabyte in a header gets no more work out of us than with a few KiB: a
// long one costs no memory that grows with it.
//
//nolint:paralleltest // it counts what it allocates
func TestBounds_EveryHeader(t *testing.T) {
	origins, err := wire.NewOrigins([]string{"https://page.example"})
	require.NoError(t, err)
	set := &wire.Settings{Place: wire.Place{AccessPath: "/", RefreshPath: "/r"}.Named("", ""), Cookies: true, Headers: true, Origins: origins}
	const size = 256 << 10
	read := func(h http.Header, host string) func() {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", nil)
		r.Header, r.Host = h, host
		return func() {
			var response wire.Response
			response.Init(set, r)
			response.Request().AccessToken()
			response.Request().RefreshToken()
			response.Request().CarrierForNew()
			origins.Allows(r)
			origins.AllowsUpgrade(r)
			wire.IsUpgrade(r)
			wire.IsLocal(r)
			wire.SaysHTTPS(r)
			wire.TakesDomain(host, "example.com")
		}
	}
	lines := func(line string) []string { return strings.Split(strings.Repeat(line+"\n", size/(len(line)+1)), "\n") }
	for name, h := range map[string]http.Header{
		"Cookie, semicolons":     {"Cookie": {strings.Repeat(";", size)}},
		"Cookie, pairs":          {"Cookie": {strings.Repeat("sAccessToken=x;", size/15)}},
		"Cookie, lines":          {"Cookie": lines("a=b")},
		"Cookie, empty lines":    {"Cookie": make([]string, size/4)},
		"Cookie, one value":      {"Cookie": {"sRefreshToken=" + strings.Repeat("x", size)}},
		"Cookie, many tokens":    {"Cookie": lines("sAccessToken=a.b.c; sRefreshToken=d")},
		"Authorization":          {"Authorization": {"Bearer " + strings.Repeat("x", size)}},
		"Authorization, spaces":  {"Authorization": {"Bearer" + strings.Repeat(" ", size) + "x"}},
		"Authorization, lines":   {"Authorization": lines("Bearer x")},
		"Origin":                 {"Origin": {"https://" + strings.Repeat("x", size)}},
		"Origin, percent":        {"Origin": {"https://" + strings.Repeat("%41", size/3)}},
		"Origin, lines":          {"Origin": lines("https://page.example")},
		"Sec-Fetch-Site":         {"Sec-Fetch-Site": {strings.Repeat("x", size)}},
		"Content-Type":           {"Content-Type": {"a/b;" + strings.Repeat("x=y;", size/4)}},
		"Content-Type, lines":    {"Content-Type": lines("a/b")},
		"Upgrade":                {"Upgrade": {strings.Repeat("h2c,", size/4)}},
		"Upgrade, lines":         {"Upgrade": lines("h2c")},
		"Forwarded":              {"Forwarded": {strings.Repeat("for=127.0.0.1,", size/14)}},
		"Forwarded, lines":       {"Forwarded": lines("for=127.0.0.1")},
		"X-Forwarded-For":        {"X-Forwarded-For": {strings.Repeat("127.0.0.1,", size/10)}},
		"X-Forwarded-For, lines": {"X-Forwarded-For": lines("127.0.0.1")},
		"X-Forwarded-Proto":      {"X-Forwarded-Proto": {strings.Repeat("x", size)}},
		"st-auth-mode":           {wire.HeaderAuthMode: {strings.Repeat("HEADER", size/6)}},
		"anti-csrf":              {"Anti-Csrf": {strings.Repeat("x", size)}},
		"rid":                    {"Rid": lines("x")},
	} {
		work := read(h, "localhost")
		require.Less(t, testing.AllocsPerRun(5, work), 40.0, name)
		require.Less(t, bytesPerRun(5, work), uint64(64<<10), name)
	}
	for name, host := range map[string]string{"letters": strings.Repeat("a", size), "dots": strings.Repeat("a.", size/2), "brackets": strings.Repeat("[", size)} {
		require.Less(t, testing.AllocsPerRun(5, read(http.Header{}, host)), 40.0, "Host of %s", name)
	}
}

// bytesPerRun is how much memory one run takes.
func bytesPerRun(runs uint64, work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		work()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

// Where there was more than is read, the request says so: ours may not have been seen.
func TestBounds_Cut(t *testing.T) {
	t.Parallel()
	set := &wire.Settings{Place: wire.Place{AccessPath: "/", RefreshPath: "/r"}.Named("", ""), Cookies: true}
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "sAccessToken=%d; ", i)
	}
	for line, cut := range map[string]bool{
		"": false, "sAccessToken=x": false, strings.Repeat("a=b; ", 500): false, strings.Repeat("x", 60<<10): false,
		strings.Repeat(";", 2000): true, strings.Repeat("x", 65<<10): true, many.String(): true,
	} {
		var response wire.Response
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		r.Header.Set("Cookie", line)
		response.Init(set, r)
		require.Equal(t, cut, response.Request().Cut(), "%.40s", line)
		_, cookies := response.Request().AccessToken()
		require.LessOrEqual(t, len(cookies), 180)
	}
}
