package wire

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A header may hold fifty thousand cookies. No more of them are compared than can be used.
func TestDistinctCookiesIsBounded(t *testing.T) {
	t.Parallel()
	var header strings.Builder
	for i := range 50_000 {
		header.WriteString("a=" + strconv.Itoa(i) + "; ")
	}
	r := &http.Request{Header: http.Header{"Cookie": {header.String()}}}
	require.Equal(t, []string{"0", "1", "2"}, DistinctCookies(r, "a"))
}

// Whatever is in the header, every value that net/http finds is found, in its order,
// and nothing else but what net/http leaves out for its bytes.
func FuzzCookiesNamed(f *testing.F) {
	for _, seed := range []string{
		"", "a=1", "a=1; b=2; a=3", `a="1"; a="; a=""`, "a", "a=", "=a", ";;a=1;", " a = 1 ;\ta\t=2", "A=1; aa=2; a=a=b",
		"a=1\r\nb: 2", "a=\x00", "a=\xff; a=ok", "a=x,y; a=\\; a=é", "__Host-a=1; a=2", "a=1;a=1", "b=a=1; $a=2",
	} {
		f.Add(seed, "")
		f.Add("b=1", seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Count(first+second, ";") > 2000 {
			t.Skip("net/http reads no header of so many cookies")
		}
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		var want []string
		for _, c := range r.CookiesNamed("a") {
			want = append(want, c.Value)
		}
		got := slices.Collect(CookiesNamed(r, "a"))
		require.Equal(t, len(got) > 0, HasCookie(r, "a"))
		valid := slices.DeleteFunc(slices.Clone(got), func(v string) bool {
			return strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c >= 0x7f || strings.ContainsRune(`";\`, c) })
		})
		require.True(t, slices.Equal(want, valid), "net/http finds %q, we find %q", want, got)
	})
}
