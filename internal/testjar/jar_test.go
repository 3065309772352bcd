package testjar_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
)

func at(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// What a browser refuses.
func TestJar_Refuses(t *testing.T) {
	t.Parallel()
	for line, from := range map[string]string{
		"a=1; Domain=other.example":   "https://app.example.com/",
		"a=1; Domain=com":             "https://app.example.com/",
		"a=1; Domain=github.io":       "https://me.github.io/",
		"a=1; Secure":                 "http://app.example.com/",
		"a=1; SameSite=None":          "https://app.example.com/",
		"__Secure-a=1":                "https://app.example.com/",
		"__Host-a=1; Secure; Path=/x": "https://app.example.com/",
		"__Host-a=1; Secure; Path=/; Domain=app.example.com": "https://app.example.com/",
		"__host-a=1; Path=/": "https://app.example.com/",
		"a=1; Domain=0.0.1":  "https://10.0.0.1/",
	} {
		jar := testjar.New(time.Now)
		require.Equal(t, []string{line}, jar.Set(at(t, from), []string{line}))
		require.Empty(t, jar.All())
	}
	jar := testjar.New(time.Now)
	https, http := at(t, "https://app.example.com/"), at(t, "http://app.example.com/")
	require.Empty(t, jar.Set(https, []string{"a=1; Secure; Path=/"}))
	require.Len(t, jar.Set(http, []string{"a=2; Path=/"}), 1, "leave secure cookies alone")
	require.Empty(t, jar.Header(http))
}

// Slots, order and deletion.
func TestJar_SlotsAndOrder(t *testing.T) {
	t.Parallel()
	now := time.Now()
	jar := testjar.New(func() time.Time { return now })
	u := at(t, "https://app.example.com/a/b")
	require.Empty(t, jar.Set(u, []string{
		"n=host; Path=/", "n=domain; Path=/; Domain=example.com", "n=own; Path=/; Domain=app.example.com",
		"n=deep; Path=/a", "n=other; Path=/ab", "n=default", "m=gone; Path=/; Max-Age=5",
	}))
	require.Equal(t, "n=default; n=host; n=domain; n=own; m=gone", jar.Header(u), "the default path is /a, whose cookie it replaces")
	require.Equal(t, "n=domain", jar.Header(at(t, "https://b.example.com/")))
	now = now.Add(time.Minute)
	require.Empty(t, jar.Set(u, []string{"n=; Path=/; Max-Age=-1; Domain=example.com", "n=again; Path=/"}))
	require.Equal(t, "n=default; n=again; n=own", jar.Header(u))
}
