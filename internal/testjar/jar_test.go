package testjar_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
		"__host-a=1; Path=/":                         "https://app.example.com/",
		"a=1; Partitioned":                           "https://app.example.com/",
		"__Host-Http-a=1; Secure; Path=/":            "https://app.example.com/",
		"__Host-Http-a=1; Secure; HttpOnly; Path=/x": "https://app.example.com/",
		"__Http-a=1; Secure":                         "https://app.example.com/",
		"a=1; Domain=0.0.1":                          "https://10.0.0.1/",
		"a=" + strings.Repeat("x", 4096):             "https://app.example.com/",
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

// Across sites only what says SameSite=None is taken and sent.
func TestJar_Sites(t *testing.T) {
	t.Parallel()
	u := at(t, "https://app.example.com/")
	for line, taken := range map[string]bool{
		"a=1; Path=/; Secure":                  false,
		"a=1; Path=/; Secure; SameSite=Lax":    false,
		"a=1; Path=/; Secure; SameSite=Strict": false,
		"a=1; Path=/; SameSite=None":           false,
		"a=1; Path=/; Secure; SameSite=None":   true,
	} {
		jar := testjar.New(time.Now)
		_, _, ok := jar.Put(testjar.Response{URL: u, CrossSite: true}, line)
		require.Equal(t, taken, ok, line)
		jar.Set(u, []string{line})
		require.Equal(t, taken, len(jar.ForCrossSite(u)) == 1, line)
		require.Equal(t, line != "a=1; Path=/; SameSite=None", len(jar.For(u)) == 1, line)
	}
}

// A Partitioned cookie is for frames in pages of one site; what is not partitioned is
// another cookie under the same name, and is deleted without the attribute.
func TestJar_Partitions(t *testing.T) {
	t.Parallel()
	u, jar := at(t, "https://app.example.com/"), testjar.New(time.Now)
	for top, value := range map[string]string{"": "own", "a.test": "a", "www.b.test": "b"} {
		_, _, taken := jar.Put(testjar.Response{URL: u, Top: top}, "n="+value+"; Path=/; Secure; SameSite=None; Partitioned")
		require.True(t, taken)
	}
	_, _, taken := jar.Put(testjar.Response{URL: u, Top: "a.test"}, "n=lax; Path=/; Secure; Partitioned")
	require.False(t, taken, "SameSite holds in a partition too")
	values := func(list []testjar.Cookie) (text string) {
		for _, c := range list {
			text += c.Value + " "
		}
		return text
	}
	require.Empty(t, jar.Set(u, []string{"n=any; Path=/; Secure; SameSite=None", "n=gone; Path=/x; Secure"}))
	require.Equal(t, "own any ", values(jar.For(u)))
	require.Equal(t, "own any ", values(jar.ForFrame(u, "b.example.com")))
	require.Equal(t, "a any ", values(jar.ForFrame(u, "www.a.test")))
	require.Equal(t, "b any ", values(jar.ForFrame(u, "b.test")))
	require.Equal(t, "any ", values(jar.ForFrame(u, "c.test")))
	require.Equal(t, "any ", values(jar.ForCrossSite(u)))
	_, removed, taken := jar.Put(testjar.Response{URL: u, Top: "b.test"}, "n=; Path=/; Max-Age=-1; Secure; SameSite=None; Partitioned")
	require.Equal(t, []bool{true, true}, []bool{removed, taken})
	require.Empty(t, jar.Set(u, []string{"n=; Path=/; Max-Age=-1; Secure; SameSite=None"}))
	require.Equal(t, "own ", values(jar.For(u)))
	require.Empty(t, jar.ForFrame(u, "b.test"))
	require.Equal(t, "a ", values(jar.ForFrame(u, "a.test")))
}

// A mark stays until another response sets the cookie; one that had ended is a new
// cookie when it is set again; ends are no farther away than browsers allow.
func TestJar_MarksAndEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	jar := testjar.New(func() time.Time { return now })
	u := at(t, "https://app.example.com/")
	planted := testjar.Response{URL: u, Mark: "planted"}
	slot, removed, taken := jar.Put(planted, "a=1; Path=/; Max-Age=5")
	require.Equal(t, testjar.Slot{Name: "a", Domain: "app.example.com", Path: "/", HostOnly: true}, slot)
	require.Equal(t, []bool{false, true}, []bool{removed, taken})
	require.Empty(t, jar.Set(u, []string{"b=1; Path=/; Max-Age=99999999999"}))
	twin := jar.Clone()
	jar.Drop(func(c testjar.Cookie) bool { return c.Mark != "" })
	require.Equal(t, "b=1", jar.Header(u))
	require.Equal(t, "a=1; b=1", twin.Header(u))
	now = now.Add(5 * time.Second)
	require.Empty(t, twin.Set(u, []string{"a=2; Path=/"}))
	require.Equal(t, "b=1; a=2", twin.Header(u))
	twin.Drop(func(c testjar.Cookie) bool { return c.Mark != "" })
	require.Equal(t, "b=1; a=2", twin.Header(u), "the response's own")
	_, removed, taken = twin.Put(planted, "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	require.Equal(t, []bool{true, true}, []bool{removed, taken})
	now = now.Add(401 * 24 * time.Hour)
	require.Empty(t, twin.All())
}

// A browser's tabs share one jar; what one response sets, none of them sees in part.
func TestJar_Concurrent(t *testing.T) {
	t.Parallel()
	jar := testjar.New(time.Now)
	u := at(t, "https://app.example.com/")
	var tabs sync.WaitGroup
	for _, value := range []string{"1", "2", "3", "4"} {
		tabs.Go(func() {
			for range 200 {
				jar.Set(u, []string{"a=" + value + "; Path=/", "b=" + value + "; Path=/"})
				a, b, _ := strings.Cut(jar.Clone().Header(u), "; ")
				assert.Equal(t, a[2:], b[2:])
			}
		})
	}
	tabs.Wait()
}
