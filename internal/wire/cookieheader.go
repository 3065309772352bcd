package wire

import (
	"iter"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// CookiesNamed yields the values of a request's cookies of one name, as the client
// sent them (RFC 6265, section 4.2.1). It reads as http.Request.CookiesNamed does, which
// builds a Cookie for each and looks at every byte of it: half of what was left of the
// cost of a verified request. Two things differ: values of bytes that CookiesNamed leaves out
// are here too, and fail as tokens; and any number of cookies is read, of which callers
// take no more than they can use.
func CookiesNamed(r *http.Request, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				key, value, _ := strings.Cut(textproto.TrimString(pair), "=")
				if textproto.TrimString(key) == name && !yield(unquoted(value)) {
					return
				}
			}
		}
	}
}

// unquoted is value without a pair of double quotes around it.
func unquoted(value string) string {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// maxCandidates bounds how many differing cookies of one name are looked at.
const maxCandidates = 3

// DistinctCookies are the first differing values of the cookies of one name, empty
// ones left out. A header of a megabyte may hold fifty thousand.
func DistinctCookies(r *http.Request, name string) []string {
	var values []string
	for value := range CookiesNamed(r, name) {
		if value == "" || slices.Contains(values, value) {
			continue
		}
		if values = append(values, value); len(values) == maxCandidates {
			break
		}
	}
	return values
}

// hasCookie reports whether the request has a cookie of that name, be it empty.
func HasCookie(r *http.Request, name string) bool {
	for range CookiesNamed(r, name) {
		return true
	}
	return false
}
