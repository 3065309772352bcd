package page

import (
	"net/http"
	"slices"
	"strings"
)

// Kind is who asks, as far as the answer of a page's route depends on it.
type Kind uint8

const (
	// Navigation is a browser that shows the answer to people. They are sent to the
	// refresh route and to the sign-in page by redirects.
	Navigation Kind = iota
	// HTMX is a script that puts the answer into a page. It follows redirects to the
	// refresh route like any script; but the sign-in page must not land in a corner
	// of another page, so it is told to load that (header HX-Redirect).
	HTMX
	// Fetch is any other script, an image, a style sheet. It follows redirects to the
	// refresh route, and gets the JSON of package errors at the end of them.
	Fetch
	// FrontEnd is a front end of npm. It refreshes by itself when it is told so, and
	// could not read the headers of a redirect: it gets what Verify answers.
	FrontEnd
)

// KindOf is the one rule that tells them apart, the first line that fits:
//
//   - st-auth-mode, rid, anti-csrf or supertokens-sdk-name, which no browser sends by
//     itself: FrontEnd.
//   - HX-Request: HTMX.
//   - Sec-Fetch-Mode, which all browsers send since 2023: "navigate" is a Navigation,
//     any other value a Fetch.
//   - X-Requested-With, which scripts of old send: Fetch.
//   - Accept: with HTML in it, or absent, a Navigation; else a Fetch.
//
// Where a line is for a page and the route for scripts, it is the route that counts: it
// has middleware.Verify in front of it.
func KindOf(r *http.Request) Kind {
	h := r.Header
	for _, name := range [...]string{"St-Auth-Mode", "Rid", "Anti-Csrf", "Supertokens-Sdk-Name"} {
		if len(h[name]) > 0 {
			return FrontEnd
		}
	}
	modes, accept := h["Sec-Fetch-Mode"], h["Accept"]
	switch {
	case h.Get("Hx-Request") == "true":
		return HTMX
	case len(modes) > 0:
		if modes[0] == "navigate" {
			return Navigation
		}
		return Fetch
	case len(h["X-Requested-With"]) > 0:
		return Fetch
	case len(accept) == 0 || takesHTML(accept):
		return Navigation
	default:
		return Fetch
	}
}

func takesHTML(accept []string) bool {
	const longest = 4 << 10
	for _, line := range accept {
		line = strings.ToLower(line[:min(len(line), longest)])
		if strings.Contains(line, "text/html") || strings.Contains(line, "application/xhtml+xml") {
			return true
		}
	}
	return false
}

// Dances reports whether a request to the refresh route is one of the dance: it comes
// from a page and goes back there. Front ends refresh by POST and name no page.
func Dances(r *http.Request) bool {
	if KindOf(r) == FrontEnd || !slices.Contains(Dancing(), r.Method) {
		return false
	}
	return asks(r.Method) || r.URL.Query().Has(ToParam)
}

// Dancing are the methods that the refresh route answers for pages.
func Dancing() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	}
}

// asks: the method has no body that would have to come along.
func asks(method string) bool { return method == http.MethodGet || method == http.MethodHead }
