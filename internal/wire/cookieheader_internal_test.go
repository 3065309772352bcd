package wire

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func plainSettings() *Settings {
	return &Settings{Place: Place{AccessPath: "/", RefreshPath: "/auth/session/refresh"}.Named("", ""), Cookies: true, Headers: true}
}

func texts(list []Candidate) (values []string) {
	for _, c := range list {
		values = append(values, c.Text)
	}
	return values
}

// A header may hold fifty thousand cookies, or semicolons by the megabyte.
func TestCookieHeaderIsBounded(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 50_000 {
		many.WriteString("sAccessToken=" + strconv.Itoa(i) + "; ")
	}
	own := "; sAccessToken=own"
	for name, header := range map[string][]string{
		"cookies of our name": {many.String()},
		"semicolons":          {strings.Repeat(";", 1<<20) + own},
		"one long cookie":     {"a=" + strings.Repeat("x", 1<<20) + own},
		"many short cookies":  {strings.Repeat("a=b;", 1<<18) + own},
		"many lines":          append(strings.Split(strings.Repeat("a=b\n", 1<<16), "\n"), own),
		"no names":            {strings.Repeat("=;", 1<<19) + own},
	} {
		var j jar
		j.read(plainSettings(), &http.Request{Header: http.Header{"Cookie": header}})
		require.True(t, j.cut, name)
		require.LessOrEqual(t, len(j.access), maxCandidates, name)
		require.NotContains(t, texts(j.access), "own", name)
	}
	var j jar
	j.read(plainSettings(), &http.Request{Header: http.Header{"Cookie": {strings.Repeat("a=b;", 900) + own}}})
	require.False(t, j.cut)
	require.Equal(t, []string{"own"}, texts(j.access))
}

// Whatever is in the header, every value that net/http finds is found, in its order,
// each once, and nothing else but what net/http leaves out for its bytes.
func FuzzReadCookies(f *testing.F) {
	for _, seed := range []string{
		"", "a=1", "a=1; b=2; a=3", `a="1"; a="; a=""`, "a", "a=", "=a", ";;a=1;", " a = 1 ;\ta\t=2", "A=1; aa=2; a=a=b",
		"a=1\r\nb: 2", "a=\x00", "a=\xff; a=ok", "a=x,y; a=\\; a=é", "__Host-a=1; a=2", "a=1;a=1", "b=a=1; $a=2",
	} {
		f.Add(seed, "")
		f.Add("b=1", seed)
	}
	set := &Settings{Place: Place{Access: "a", Refresh: "r"}, Cookies: true}
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Count(first+second, ";") > maxCookiePairs-2 || len(first+second) > maxCookieBytes ||
			strings.Count(first+second, "a") > maxCandidates {
			t.Skip("more than is read")
		}
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		var want jar
		for _, c := range r.CookiesNamed("a") {
			want.add(&want.access, c.Value, -1)
		}
		var got []string
		var j jar
		j.read(set, r)
		for _, text := range texts(j.access) {
			if !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c >= 0x7f || strings.ContainsRune(`";\`, c) }) {
				got = append(got, text)
			}
		}
		require.Equal(t, texts(want.access), got)
	})
}
