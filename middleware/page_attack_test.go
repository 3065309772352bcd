package middleware_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Wherever a foreign link wants to have people sent to, it is this site's own "/": by GET,
// as a form's body must go nowhere else.
func TestPages_OpenRedirects(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{
		"another host":         "//evil.example",
		"a backslash":          `/\evil.example`,
		"a scheme":             "https:/evil.example",
		"escaped slashes":      "%2f%2fevil.example",
		"an escaped slash":     "/%2fevil.example?",
		"an escaped backslash": "/%5cevil.example",
		"a tab":                "/\t/evil.example",
		"a newline":            "/a\r\nLocation: https://evil.example",
		"dots":                 "/./ /evil.example",
		"a script":             "javascript:alert(1)",
		"a user":               "https://shop.example@evil.example/",
		"a wide slash":         "/／evil.example",
		"a megabyte":           "/" + strings.Repeat("a", 1<<20),
		"the refresh route":    "/auth/session/refresh",
		"itself with a page":   "/auth/session/refresh?to=/cart",
		"itself, escaped":      "/auth/session/%72efresh",
		"itself with a slash":  "/auth/session/refresh/",
		"the sign-out route":   "/auth/signout",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			p := s.signedIn(t, "ada")
			s.later()
			route := "/auth/session/refresh?to=" + url.QueryEscape(to)
			v := p.open(route)
			require.Equal(t, []string{"GET " + route, "GET /"}, v.hops)
			require.Equal(t, "GET / ada ", v.body)
			s.later()
			if name != "the sign-out route" { // where a form may come back to
				v = p.post(route, "secret=1")
				require.Equal(t, []string{"POST " + route, "GET /"}, v.hops)
			}
			if strings.HasPrefix(to, "/auth") {
				return // no page of the sign-in's, but one of this site
			}
			for _, v := range []visit{
				p.post("/login?to="+url.QueryEscape(to), "user=ada"), p.post("/login", url.Values{"user": {"ada"}, "to": {to}}.Encode()),
			} {
				require.Equal(t, "GET / ada ", v.body)
				require.Len(t, v.hops, 2)
			}
		})
	}
}

// What a page cannot come back to is no page to post a form to either.
func TestVerifyPage_WithoutAWayBack(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	for _, target := range []string{"/cart?a=" + strings.Repeat("a", 2<<10)} {
		s.later()
		v := p.post(target, "item=1")
		require.Equal(t, []string{"POST " + target, "GET /auth/session/refresh", "GET /"}, v.hops)
		require.Equal(t, "GET / ada ", v.body)
	}
}

// Who may have the refresh route refresh by GET, and who gets 403, with nothing changed.
func TestPages_WhoMayRefresh(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	foreign := fetched
	with := func(h http.Header, name, value string) http.Header {
		h.Set(name, value)
		return h
	}
	for name, row := range map[string]struct {
		header http.Header
		may    bool
	}{
		"an image of a foreign page":           {foreign("cross-site", "no-cors", "image"), false},
		"a frame":                              {foreign("cross-site", "navigate", "iframe"), false},
		"a frame of old":                       {foreign("cross-site", "navigate", "frame"), false},
		"an object":                            {foreign("cross-site", "navigate", "object"), false},
		"an embedded":                          {foreign("cross-site", "navigate", "embed"), false},
		"a script":                             {foreign("cross-site", "no-cors", "script"), false},
		"a style sheet":                        {foreign("cross-site", "no-cors", "style"), false},
		"a fetch":                              {foreign("cross-site", "cors", "empty"), false},
		"a fetch with its origin":              {with(foreign("cross-site", "cors", "empty"), "Origin", "https://evil.example"), false},
		"an image of a sibling host":           {foreign("same-site", "no-cors", "image"), false},
		"a frame of a sibling host":            {foreign("same-site", "navigate", "iframe"), false},
		"an image without a site":              {http.Header{"Sec-Fetch-Dest": {"image"}}, false},
		"a mode alone":                         {http.Header{"Sec-Fetch-Mode": {"no-cors"}}, false},
		"two destinations":                     {http.Header{"Sec-Fetch-Dest": {"document", "image"}, "Sec-Fetch-Site": {"cross-site"}}, false},
		"two sites":                            {http.Header{"Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Site": {"same-origin", "cross-site"}}, false},
		"a fetch of an old browser":            {http.Header{"Origin": {"https://evil.example"}}, false},
		"a fetch of a page with no origin":     {http.Header{"Origin": {"null"}}, false},
		"somebody who types":                   {typed(), true},
		"a link in a mail":                     {foreign("cross-site", "navigate", "document"), true},
		"a link of a sibling host":             {foreign("same-site", "navigate", "document"), true},
		"a link of its own":                    {own("document"), true},
		"an image of its own":                  {own("image"), true},
		"a frame of its own":                   {own("iframe"), true},
		"a fetch of its own":                   {own("empty"), true},
		"an old browser":                       {http.Header{"Accept": {"text/html"}}, true},
		"a program":                            {http.Header{}, true},
		"a fetch of an old browser of its own": {http.Header{"Origin": {shopURL}}, true},
	} {
		p := s.signedIn(t, "ada")
		s.later()
		before := p.jar.All()
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			v, err := p.try(t.Context(), method, "/auth/session/refresh?to=/cart", "", row.header)
			require.NoError(t, err, name)
			if row.may {
				require.Equal(t, http.StatusOK, v.status, name)
				require.Equal(t, "/cart", v.path, name)
				break
			}
			require.Equal(t, http.StatusForbidden, v.status, name)
			require.Equal(t, before, p.jar.All(), name)
			requireNothing(t, v.header)
		}
		require.Equal(t, http.StatusOK, p.open("/cart").status, "%s: the session lives", name)
	}
}

// A form of a foreign page gets 403 before anything else, and never the dance.
func TestVerifyPage_ForeignForms(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Header{
		"a form":                     {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Origin": {"https://evil.example"}},
		"a sibling host's":           {"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Origin": {"https://a.shop.example"}},
		"of a sandbox":               {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Origin": {"null"}},
		"of an old browser":          {"Accept": {"text/html"}, "Origin": {"https://evil.example"}},
		"of an old one in a sandbox": {"Accept": {"text/html"}, "Origin": {"null"}},
		"by HTMX":                    {"Hx-Request": {"true"}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		"with a user in its origin":  {"Accept": {"text/html"}, "Origin": {"https://evil@shop.example"}},
	} {
		s := newShop(t)
		for who, p := range map[string]*person{"a visitor": s.person(t), "signed in": s.signedIn(t, "ada"), "hours ago": s.signedIn(t, "ada")} {
			if who == "hours ago" {
				s.later()
			}
			served, before := s.served.Load(), p.jar.All()
			for _, path := range []string{"/cart", "/", "/auth/session/refresh?to=/cart", "/auth/signout"} {
				v := p.do(http.MethodPost, path, "item=1", h)
				require.Equal(t, http.StatusForbidden, v.status, "%s, %s, %s", name, who, path)
				require.Len(t, v.hops, 1)
				requireUncached(t, v.header)
			}
			require.Equal(t, served, s.served.Load())
			require.Equal(t, before, p.jar.All())
		}
	}
}

// The texts for people are no JSON, and say nothing of the reason.
func TestVerifyPage_ForeignFormsSeeAPage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	v := s.person(t).do(http.MethodPost, "/cart", "", fetched("cross-site", "navigate", "document"))
	require.Equal(t, "text/html; charset=utf-8", v.header.Get("Content-Type"))
	require.Equal(t, string(page.HTML(http.StatusForbidden)), v.body)
	v = s.person(t).do(http.MethodPost, "/cart", "", fetched("cross-site", "cors", "empty"))
	require.JSONEq(t, `{"message":"cross-origin request refused"}`, v.body)
}

// A form that may not go where it says goes to no other page with what it holds, whatever
// routes it comes by.
func TestPages_RefusedOnOlderRoutes(t *testing.T) {
	t.Parallel()
	before := newShop(t)
	p := before.signedIn(t, "ada")
	s := newShopOn(t, before, func(cfg *session.Config) {
		cfg.Cookie.RefreshPath = "/auth/v2/refresh"
		cfg.Cookie.Older = []session.OlderCookieConfig{{}}
	})
	s.later()
	p.to = s.router
	v := p.post("/auth/v2/refresh?to=//evil.example", "password=secret")
	require.Equal(t, "GET / ada ", v.body, v.hops)
}
