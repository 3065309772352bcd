package devices

import (
	_ "embed"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// userAgents has a line for each: browser, system, kind and the user agent, between
// tabs.
//
//go:embed testdata/useragents.tsv
var userAgents string

func TestClientOf(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for line := range strings.Lines(userAgents) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, row, 4, line)
		require.False(t, seen[row[3]], "twice: %s", row[3])
		seen[row[3]] = true
		require.LessOrEqual(t, len(row[3]), maxUserAgent, "longer than what is stored: %s", row[3])
		if got := clientOf(row[3]); got != (client{row[0], row[1], row[2]}) {
			t.Errorf("%+v, want %v: %s", got, row[:3], row[3])
		}
	}
	require.GreaterOrEqual(t, len(seen), 200)
}

// An unknown program is called by the name it gives itself, without markup and with
// an end.
func TestClientOf_hostile(t *testing.T) {
	t.Parallel()
	for text, browser := range map[string]string{
		"<script>alert(1)</script>":          "",
		"x<script>alert(1)</script>/1":       "x",
		`"><img src=x onerror=alert(1)>`:     "",
		"javascript:alert(1)":                "javascript",
		"App&lt;b&gt;/1":                     "App",
		"' OR '1'='1":                        "",
		"a\x00b/1":                           "a",
		"a\u202eb/1":                         "a",
		"\xff\xfe":                           "",
		"a\xff":                              "a",
		"1.2.3":                              "",
		"+++/1":                              "",
		"Küchenuhr/1.0":                      "Küchenuhr",
		"小程序/1":                              "小程序",
		strings.Repeat("a", 255):             strings.Repeat("a", 40),
		strings.Repeat("é", 1<<20):           strings.Repeat("é", 40),
		strings.Repeat("a", 254) + "é/1":     strings.Repeat("a", 40),
		strings.Repeat("Mozilla/5.0 (", 100): "",
		strings.Repeat(";", 255):             "",
		strings.Repeat("bo", 127):            strings.Repeat("bo", 20),
		strings.Repeat("x", 100) + "bot":     strings.Repeat("x", 40), // a crawler's name ends too
	} {
		got := clientOf(text)
		require.Equal(t, browser, got.Browser, "%.40q", text)
		require.True(t, utf8.ValidString(got.Browser))
	}
}

// A list has up to a thousand of them, of whoever signed in.
func TestClientOf_allocatesNothing(t *testing.T) {
	for _, text := range []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		strings.Repeat("é", 500), strings.Repeat("a ", 500), strings.Repeat("(;/ ", 500), "okhttp/4.12.0", "",
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() { clientOf(text) }), "%.40q", text)
	}
}

func BenchmarkClientOf(b *testing.B) {
	for name, text := range map[string]string{
		"Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Safari":  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"words":   strings.Repeat("a ", 128),
		"spaces":  strings.Repeat(" ", 255),
		"letters": strings.Repeat("é", 128),
		"bots":    strings.Repeat("cubot ", 43),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clientOf(text)
			}
		})
	}
}
