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

	// Device is the name of the device cookie; empty where there is none.
	Device string

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
	// Partitioned: the browser keeps a jar of its own for each site that embeds
	// ours, and the cookies are in it. One of the same name that is not
	// partitioned is another cookie.
	Partitioned bool
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

// The prefixes of names that Named takes (RFC 6265bis, section 4.1.3). Both
// begin with __Host-, which browsers enforce that do not know the longer one.
const (
	PrefixHost = "__Host-"
	PrefixHTTP = "__Host-Http-"
)

// Named gives the cookies of a place their names: prefix, which may be empty, is
// the access cookie's.
//
// The refresh cookie's path is not "/", so that __Host- does not fit it, and it
// has __Secure- beside either: a name takes one prefix, and every browser
// enforces this one, where __Http- is an ordinary name to all before 2025. What
// another host or a script could set under it is refused all the same, as the
// access cookie beside it must name its session.
func (p Place) Named(prefix, suffix string) Place {
	p.Access, p.Refresh = prefix+CookieAccess+suffix, CookieRefresh+suffix
	// A leading dot has no meaning any more, nor has case.
	p.Domain = strings.ToLower(strings.TrimPrefix(p.Domain, "."))
	if p.HostBound = prefix != ""; p.HostBound {
		p.Refresh = "__Secure-" + p.Refresh
	}
	return p
}

// slot is what a browser knows a cookie by.
type slot struct {
	name, domain, path string
	partitioned        bool
}

func (p Place) accessSlot() slot  { return slot{p.Access, p.Domain, p.AccessPath, p.Partitioned} }
func (p Place) refreshSlot() slot { return slot{p.Refresh, p.Domain, p.RefreshPath, p.Partitioned} }
