package page

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// ToParam is the parameter that has the page to go back to.
const ToParam = "to"

// longestTo is more than applications' own links have, and well below what proxies
// take of a request line.
const longestTo = 2 << 10

// deepestEscapes is how often a path may be escaped in itself. Each server on the way
// may undo one.
const deepestEscapes = 4

// Local reports whether to is a path of this origin, with or without a query: whatever
// browsers, proxies and routers make of it, it leads to no other host.
//
// It is told as browsers write it: percent-encoded, and without segments of dots, which
// they remove. So what a browser has asked for always passes.
func Local(to string) bool {
	if to == "" || len(to) > longestTo || strings.ContainsFunc(to, isNotURL) {
		return false
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return false
	}
	text := u.EscapedPath()
	if raw, _, _ := strings.Cut(to, "?"); strings.Contains(raw, `\`) {
		return false
	}
	for range deepestEscapes {
		if !rooted(text) {
			return false
		}
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text {
			return true // nobody can undo more
		}
		text = plain
	}
	return false
}

// isNotURL: URLs are written in ASCII without blanks and control characters (RFC 3986,
// section 2).
func isNotURL(r rune) bool { return r <= ' ' || r >= 0x7f }

// rooted reports whether text begins with one slash, and has nothing in it that stands
// for something else.
func rooted(text string) bool {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.ContainsAny(text, "\\") ||
		strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(text, "/"), func(part string) bool { return part == "." || part == ".." })
}

// IsAt reports whether to, which is Local, leads to one of the given paths.
func IsAt(to string, paths ...string) bool {
	u, err := url.Parse(to)
	return err != nil || slices.Contains(paths, path.Clean(u.Path))
}

// AskedFor is what the browser has asked for, to be sent back to it.
func AskedFor(r *http.Request) string {
	// A router that starts over, or takes a prefix off, changes r.URL.
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // a proxy's form of it, and tests
}

// ReturnTo is the page to go back to that a request to the sign-in page names in its
// query or its form, or "/". It never is the sign-in page.
func ReturnTo(r *http.Request, form func() string) string {
	to := r.URL.Query().Get(ToParam)
	if to == "" {
		to = form()
	}
	if !Local(to) || IsAt(to, path.Clean(r.URL.Path)) {
		return "/"
	}
	return to
}

// With is the path with parameters, in pairs of name and value.
func With(path string, pairs ...string) string {
	var text strings.Builder
	text.WriteString(path)
	for i := 0; i+1 < len(pairs); i += 2 {
		mark := "?"
		if i > 0 {
			mark = "&"
		}
		text.WriteString(mark + pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return text.String()
}
