package wire

import (
	"net/http"
	"strings"
	"time"
)

// Settings is what session.New makes of its configuration, once. It never
// changes.
type Settings struct {
	// Place is where our cookies are, Older where earlier deploys put theirs.
	Place Place
	Older []Place
	// SameSite and Insecure (no Secure attribute) hold for all of them.
	SameSite http.SameSite
	Insecure bool

	// Cookies and Headers allow tokens in that carrier. A token in a carrier
	// that is not allowed counts as absent.
	Cookies, Headers bool
	// FrontToken sends the header front-token.
	FrontToken bool
	// IDRefreshHeader and IDRefreshCookie rule the sign of a session that front
	// ends before 16 and before 4 go by.
	IDRefreshHeader Switch
	IDRefreshCookie Switch
	// IDRefreshPath is that cookie's path.
	IDRefreshPath string
	// IDRefreshMigrates: that cookie is a reason to refresh, and removed then.
	IDRefreshMigrates bool

	// Origins are the pages whose requests count as meant.
	Origins *Origins
	// Now is the clock.
	Now func() time.Time
}

// Switch says to whom something is sent.
type Switch uint8

// The values of Switch. Auto is for clients without st-auth-mode.
const (
	Off Switch = iota
	Auto
	Always
)

// Carrier is where a token travels.
type Carrier uint8

// The carriers.
const (
	ByCookie Carrier = iota
	ByHeader
)

// Place says under which names, domain and paths the two cookies of a session
// are kept by a browser: what tells two cookies apart there (RFC 6265bis,
// section 5.7).
type Place struct {
	Access, Refresh         string // names
	Domain                  string // empty: host-only
	AccessPath, RefreshPath string
	// HostBound: the names have prefixes that keep other hosts from setting the
	// access cookie.
	HostBound bool
}

// HostBound reports whether the name of a Candidate's Place keeps other hosts
// from setting the access cookie.
func (set *Settings) HostBound(place int) bool {
	if place < 0 {
		return set.Place.HostBound
	}
	return set.Older[place].HostBound
}

// PlaceOf names a place. The prefixes are those of RFC 6265bis, section 4.1.3;
// the refresh cookie's path is not "/", so that __Host- does not fit it.
func PlaceOf(domain, accessPath, refreshPath, suffix string, prefixed bool) Place {
	p := Place{
		Access: CookieAccess + suffix, Refresh: CookieRefresh + suffix,
		// A leading dot has no meaning any more, nor has case.
		Domain:     strings.ToLower(strings.TrimPrefix(domain, ".")),
		AccessPath: accessPath, RefreshPath: refreshPath, HostBound: prefixed,
	}
	if prefixed {
		p.Access, p.Refresh = "__Host-"+p.Access, "__Secure-"+p.Refresh
	}
	return p
}

// slot is what a browser knows a cookie by.
type slot struct{ name, domain, path string }

func (p Place) accessSlot() slot  { return slot{p.Access, p.Domain, p.AccessPath} }
func (p Place) refreshSlot() slot { return slot{p.Refresh, p.Domain, p.RefreshPath} }
