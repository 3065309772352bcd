package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/page"
)

// refused are what attackers put into links to a sign-in page. The library's routes get
// them over HTTP in package middleware.
var refused = map[string]string{
	"another host":                 "//evil.example",
	"with three slashes":           "///evil.example",
	"a backslash":                  `/\evil.example`,
	"two backslashes":              `\\evil.example`,
	"a backslash first":            `\/evil.example`,
	"a backslash later":            `/a\..\..\\evil.example`,
	"a scheme":                     "https://evil.example",
	"a scheme with one slash":      "https:/evil.example",
	"a scheme with none":           "https:evil.example",
	"a script":                     "javascript:alert(1)",
	"data":                         "data:text/html,x",
	"escaped slashes":              "%2f%2fevil.example",
	"an escaped slash":             "/%2fevil.example",
	"an escaped slash, upper case": "/%2Fevil.example",
	"escaped twice":                "/%252fevil.example",
	"escaped three times":          "/%25252fevil.example",
	"escaped for ever":             "/%2525252525252fevil.example",
	"an escaped backslash":         "/%5cevil.example",
	"escaped twice, a backslash":   "/%255cevil.example",
	"a tab":                        "/\t/evil.example",
	"a tab first":                  "\t//evil.example",
	"a newline":                    "/\n/evil.example",
	"a header more":                "/a\r\nLocation: https://evil.example",
	"an escaped newline":           "/a%0d%0aLocation:%20https://evil.example",
	"an escaped tab":               "/%09/evil.example",
	"a zero byte":                  "/a\x00b",
	"an escaped zero byte":         "/a%00b",
	"a blank first":                " //evil.example",
	"a blank":                      "/a b",
	"dots":                         "/./ /evil.example",
	"a dot":                        "/.//evil.example",
	"two dots":                     "/..//evil.example",
	"dots later":                   "/a/..//evil.example",
	"escaped dots":                 "/a/%2e%2e//evil.example",
	"a user":                       "https://shop.example@evil.example/",
	"a user without a scheme":      "//shop.example@evil.example/",
	"letters of other alphabets":   "/／evil.example",
	"a wide slash first":           "／／evil.example",
	"a wide dot":                   "//evil。example",
	"bytes that are no text":       "/\xff\xfe",
	"a delete":                     "/a\x7f",
	"a megabyte":                   "/" + strings.Repeat("a", 1<<20),
	"one byte too long":            "/" + strings.Repeat("a", 2<<10),
	"nothing":                      "",
	"a name":                       "cart",
	"a query":                      "?a=b",
	"a fragment":                   "#a",
	"half an escape":               "/%",
	"half an escape more":          "/a%2",
}

func TestLocal_Refused(t *testing.T) {
	t.Parallel()
	for name, to := range refused {
		require.False(t, page.Local(to), "%s: %.80q", name, to)
	}
}

// What a browser has asked for comes back as it was.
func TestLocal_Taken(t *testing.T) {
	t.Parallel()
	for _, to := range []string{
		"/", "/cart", "/cart/", "/a//b", "/cart?sort=a%20b&x=1", "/gr%C3%B6%C3%9Fe", "/a%2Fb", "/100%25", "/100%25%20off",
		`/find?q=a\b`, "/find?q=//evil.example", "/find?url=https://evil.example/", "/a:b", "/@user", "/a;b=c", "/.well-known/x", "/...", "/a.b/..c",
		"/cart#items", "/find?q=%0d%0a", "/" + strings.Repeat("a", 2<<10-1),
	} {
		require.True(t, page.Local(to), to)
	}
}

// Whatever passes, no browser makes another host of it: also not after an escape is
// undone on the way.
func FuzzLocal(f *testing.F) {
	for _, to := range refused {
		f.Add(to)
	}
	base, err := url.Parse("https://shop.example/login")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, to string) {
		if !page.Local(to) {
			return
		}
		for range 3 {
			target, err := base.Parse(to)
			require.NoError(t, err)
			require.Equal(t, "shop.example", target.Host)
			require.Equal(t, "https", target.Scheme)
			require.Nil(t, target.User)
			require.False(t, len(to) > 1 && (to[1] == '/' || to[1] == '\\'), to)
			path, query, _ := strings.Cut(to, "?")
			if path, err = url.PathUnescape(path); err != nil || strings.ContainsAny(path, "?#%") {
				return
			}
			to = path
			if query != "" {
				to += "?" + query
			}
		}
	})
}

func TestReturnTo(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ query, form, want string }{
		"the query":            {"/cart?a=1", "", "/cart?a=1"},
		"the form":             {"", "/cart", "/cart"},
		"the query first":      {"/cart", "/orders", "/cart"},
		"none":                 {"", "", "/"},
		"refused":              {"//evil.example", "/cart", "/"},
		"refused in the form":  {"", "//evil.example", "/"},
		"itself":               {"/login", "", "/"},
		"itself with a query":  {"/login?to=/cart", "", "/"},
		"itself with a slash":  {"/login/", "", "/"},
		"itself, escaped":      {"/%6cogin", "", "/"},
		"a page with its name": {"/login/help", "", "/login/help"},
	} {
		target := page.With("/login", page.ToParam, row.query)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
		require.Equal(t, row.want, page.ReturnTo(r, func() string { return row.form }), name)
	}
}

func TestAskedFor(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/shop/cart?a=%20b", nil)
	r.URL.Path = "/cart" // as a router that takes off a prefix, or starts over
	require.Equal(t, "/shop/cart?a=%20b", page.AskedFor(r))
	r.RequestURI = "https://shop.example/shop/cart"
	require.Equal(t, "/cart?a=%20b", page.AskedFor(r))
}
