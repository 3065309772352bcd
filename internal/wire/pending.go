package wire

import (
	"net/http"
	"strings"
)

// Pending is what a response without a [Writer] has in its header already. A
// second look at the request must not go by a cookie that this very answer
// replaces.
type Pending struct {
	Access string
	By     Carrier
	// Fresh: the tokens were made in this request.
	Fresh bool
	// Removed: they were taken away.
	Removed bool
}

// Pending reads h.
func (set *Settings) Pending(h http.Header) (p Pending, ok bool) {
	const access, refresh = "St-Access-Token", "St-Refresh-Token" // canonical, which saves work
	if values := h[access]; len(values) == 1 && values[0] != "" {
		fresh := h[refresh]
		return Pending{Access: values[0], By: ByHeader, Fresh: len(fresh) == 1 && fresh[0] != ""}, true
	}
	for _, line := range h["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		switch name, value, _ := strings.Cut(pair, "="); name {
		case set.Place.Access:
			// Copies elsewhere are removed before the one that counts is set.
			p.Access, p.Removed, ok = value, value == "", true
		case set.Place.Refresh:
			p.Fresh = value != ""
		}
	}
	return p, ok
}
