package wire

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// maxCookieAge is the longest life that browsers grant (RFC 6265bis, section
// 5.5).
const maxCookieAge = 400 * 24 * time.Hour

// cookie is what keeps a token in a slot until it expires, or, where that is the
// zero time, until the browser is closed: without Max-Age and Expires (RFC
// 6265bis, section 5.7).
func (set *Settings) cookie(at slot, value string, expires time.Time) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure is off for loopback hosts only, SameSite is validated
		Name: at.name, Value: value, Path: at.path, Domain: at.domain,
		// The sign for front ends before 4 is read by scripts, and is no
		// credential.
		HttpOnly: at.name != CookieIDRefresh, Secure: !set.Insecure, SameSite: set.SameSite,
		Partitioned: at.partitioned,
	}
	if !expires.IsZero() {
		now := set.Now()
		lifetime := min(expires.Sub(now), maxCookieAge)
		// A lifetime of 0 s would read as "no Max-Age".
		c.MaxAge, c.Expires = max(1, int(lifetime/time.Second)), now.Add(lifetime).UTC()
	}
	return c
}

// expiry is the cookie that deletes what is in a slot.
func (set *Settings) expiry(at slot) *http.Cookie {
	c := set.cookie(at, "", time.Time{}) //nolint:gosec // see cookie
	c.MaxAge, c.Expires = -1, time.Unix(0, 0).UTC()
	return c
}

func (set *Settings) idRefreshSlot() slot {
	return slot{CookieIDRefresh, set.Place.Domain, set.IDRefreshPath, set.Place.Partitioned}
}

// HostCookie is a cookie beside the tokens', at / for a while.
func (set *Settings) HostCookie(name, value string, life time.Duration) *http.Cookie {
	return set.cookie(slot{name, "", "/", set.Place.Partitioned}, value, set.Now().Add(life))
}

// deviceSlot is at / whatever the paths of the tokens are: a sign-in may be
// anywhere.
func (set *Settings) deviceSlot() slot { return slot{set.Device, "", "/", set.Place.Partitioned} }

// olderAccess and olderRefresh are the slots in which earlier deploys put the
// cookies. Those in use now are not among them.
func (set *Settings) olderAccess() (slots []slot) {
	for _, p := range set.Older {
		slots = append(slots, p.accessSlot())
	}
	return without(slots, set.Place.accessSlot())
}

func (set *Settings) olderRefresh() (slots []slot) {
	for _, p := range set.Older {
		slots = append(slots, p.refreshSlot())
	}
	return without(slots, set.Place.refreshSlot())
}

// idRefreshCopies are the other slots that may hold sIdRefreshToken. A page
// that sees two of these cookies takes itself for signed out; and when the
// cookie is to go, it must go wherever it is.
func (q *Request) idRefreshCopies() (slots []slot) {
	now, root := q.set.idRefreshSlot(), q.set.idRefreshSlot()
	root.path = "/"
	slots = append(slots, root)
	for _, p := range q.set.Older {
		slots = append(slots, slot{CookieIDRefresh, p.Domain, "/", p.Partitioned}, slot{CookieIDRefresh, p.Domain, p.AccessPath, p.Partitioned})
	}
	if q.jar.idRefresh > 1 || q.set.IDRefreshMigrates {
		slots = append(slots, q.set.copies(now, q.http.Host)...)
		slots = append(slots, q.set.copies(root, q.http.Host)...)
	}
	return without(slots, now)
}

// copies are the slots in which a browser may hold a second cookie under the
// name of at: host-only, and every domain above host that takes cookies, each of
// them partitioned and not. Nobody has to have configured them: a sibling host
// may have planted one.
func (set *Settings) copies(at slot, host string) (slots []slot) {
	domains := []string{""}
	if !strings.HasPrefix(at.name, PrefixHost) {
		domains = append(domains, domainsOf(host)...)
	}
	for _, domain := range domains {
		slots = append(slots, slot{at.name, domain, at.path, false})
		if !set.Insecure { // else browsers take no partitioned cookie
			slots = append(slots, slot{at.name, domain, at.path, true})
		}
	}
	return without(slots, at)
}

// domainsOf lists host and the domains above it down to the registrable one,
// for a host under a public suffix. An address has none.
func domainsOf(hostport string) (domains []string) {
	const most = 6
	host := strings.ToLower(hostOf(hostport))
	if _, err := netip.ParseAddr(host); err == nil || len(host) > 253 {
		return nil
	}
	top, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return nil
	}
	for domain := host; len(domains) < most; {
		domains = append(domains, domain)
		_, above, ok := strings.Cut(domain, ".")
		if domain == top || !ok {
			break
		}
		domain = above
	}
	return domains
}

// hostOf is a host without its port, brackets and root dot.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// without is slots without taken, each once.
func without(slots []slot, taken ...slot) (kept []slot) {
	seen := make(map[slot]bool, len(slots)+len(taken))
	for _, s := range taken {
		seen[s] = true
	}
	for _, s := range slots {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// TakesDomain reports whether a browser at host accepts a cookie of that Domain
// (RFC 6265, section 5.1.3).
func TakesDomain(hostport, domain string) bool {
	host := strings.ToLower(hostOf(hostport))
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	if domain == "" || host == domain {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err != nil && strings.HasSuffix(host, "."+domain)
}
