// Package testjar is a browser's cookie jar for tests, by the rules of RFC 6265bis.
package testjar

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Slot is what tells two cookies of a browser apart (RFC 6265bis, section 5.7, step
// 23; draft-cutler-httpbis-partitioned-cookies, section 2).
type Slot struct {
	Name, Domain, Path string
	HostOnly           bool
	// Partition is the site of the page that a Partitioned cookie is for; empty for
	// all others.
	Partition string
}

// Cookie is a cookie in a Jar.
type Cookie struct {
	Slot
	Value            string
	Secure, HTTPOnly bool
	// AnySite: SameSite is None.
	AnySite bool
	// Mark is a test's own note of who set it: that of its Response.
	Mark string

	expires time.Time
	// order is when it was first set, counted.
	order int
}

// Response is what a jar wants to know of one that sets cookies.
type Response struct {
	URL *url.URL
	// CrossSite: a page of another site has asked, and it was no navigation.
	CrossSite bool
	// Top, if set, is the host of the page in the address bar, which has the page that
	// asked in a frame. Empty: the page that asked is that page.
	Top  string
	Mark string
}

// elsewhere is the partition of pages of other sites of which no more is said.
const elsewhere = "another site"

// partition is where a Partitioned cookie of the response goes.
func (r Response) partition() string {
	switch {
	case r.Top != "":
		return siteOf(r.Top)
	case r.CrossSite:
		return elsewhere
	default:
		return siteOf(r.URL.Hostname())
	}
}

// crossSite reports whether only cookies of SameSite=None are taken.
func (r Response) crossSite() bool {
	return r.CrossSite || r.Top != "" && siteOf(r.Top) != siteOf(r.URL.Hostname())
}

// maxCookieSize is the size of name and value above which a cookie is refused.
const maxCookieSize = 4096

// longest is how long a browser keeps a cookie (RFC 6265bis, section 5.6.1).
const longest = 400 * 24 * time.Hour

// Jar keeps cookies. It is safe for concurrent use.
type Jar struct {
	now func() time.Time

	mu      sync.Mutex
	cookies map[Slot]Cookie
	next    int
}

// New returns an empty jar that goes by the given clock.
func New(now func() time.Time) *Jar { return &Jar{now: now, cookies: make(map[Slot]Cookie)} }

// Clone returns a jar with the same cookies, which goes its own way from here.
func (j *Jar) Clone() *Jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &Jar{now: j.now, cookies: maps.Clone(j.cookies), next: j.next}
}

// Set stores what a response from u set that a page of the same site has asked for, and
// returns the lines that a browser refuses.
func (j *Jar) Set(u *url.URL, lines []string) (refused []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range lines {
		if _, _, taken := j.put(Response{URL: u}, line); !taken {
			refused = append(refused, line)
		}
	}
	return refused
}

// Put does what one Set-Cookie line says. It returns which cookie that concerns,
// whether it was removed, and whether a browser takes the line at all.
func (j *Jar) Put(r Response, line string) (at Slot, removed, taken bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.put(r, line)
}

func (j *Jar) put(r Response, line string) (at Slot, removed, taken bool) {
	c, ok := j.parse(r, line)
	if !ok || !j.store(r.URL, c) {
		return Slot{}, false, false
	}
	return c.Slot, !c.lives(j.now()), true
}

// Drop forgets the cookies of which f says so.
func (j *Jar) Drop(f func(Cookie) bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.DeleteFunc(j.cookies, func(_ Slot, c Cookie) bool { return f(c) })
}

// parse follows the steps of RFC 6265bis, section 5.7.
func (j *Jar) parse(r Response, line string) (c Cookie, ok bool) {
	parsed, err := http.ParseSetCookie(line)
	if err != nil || len(parsed.Name)+len(parsed.Value) > maxCookieSize {
		return Cookie{}, false
	}
	c = Cookie{
		Slot: Slot{Name: parsed.Name, Path: parsed.Path}, Value: parsed.Value,
		Secure: parsed.Secure, HTTPOnly: parsed.HttpOnly, AnySite: parsed.SameSite == http.SameSiteNoneMode,
		Mark: r.Mark, expires: j.now().Add(longest),
	}
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = defaultPath(r.URL.EscapedPath())
	}
	if parsed.Partitioned {
		c.Partition = r.partition()
	}
	if !c.place(r.URL.Hostname(), parsed.Domain) || !c.mayBeSet(r, parsed) {
		return Cookie{}, false
	}
	switch { // Max-Age wins over Expires
	case parsed.MaxAge < 0:
		c.expires = time.Time{}
	case parsed.MaxAge > 0:
		c.expires = j.now().Add(time.Duration(min(parsed.MaxAge, int(longest/time.Second))) * time.Second)
	case !parsed.Expires.IsZero():
		c.expires = parsed.Expires
	}
	return c, true
}

func (c *Cookie) lives(now time.Time) bool { return c.expires.After(now) }

// place gives the cookie its domain, unless host may not set one for it.
func (c *Cookie) place(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(strings.TrimPrefix(domain, "."))
	if suffix, _ := publicsuffix.PublicSuffix(domain); domain != "" && suffix == domain {
		if domain != host {
			return false
		}
		domain = ""
	}
	c.Domain, c.HostOnly = host, true
	if domain != "" {
		c.Domain, c.HostOnly = domain, false
		return domainMatches(host, domain)
	}
	return true
}

// mayBeSet looks at the attributes that go together.
func (c *Cookie) mayBeSet(r Response, parsed *http.Cookie) bool {
	switch name := strings.ToLower(c.Name); {
	case c.Secure && !isSecure(r.URL), c.AnySite && !c.Secure, r.crossSite() && !c.AnySite, c.Partition != "" && !c.Secure:
		return false
	case strings.HasPrefix(name, "__secure-"):
		return c.Secure
	case strings.HasPrefix(name, "__http-"):
		return c.Secure && c.HTTPOnly
	case strings.HasPrefix(name, "__host-http-") && !c.HTTPOnly:
		return false
	case strings.HasPrefix(name, "__host-"):
		return c.Secure && c.HostOnly && parsed.Path == "/"
	default:
		return true
	}
}

// store replaces the cookie in the same slot, which keeps its place in the order.
func (j *Jar) store(u *url.URL, c Cookie) bool {
	now := j.now()
	old, there := j.cookies[c.Slot]
	there = there && old.lives(now)
	if there && old.Secure && !c.Secure && u.Scheme != "https" {
		return false // leave secure cookies alone
	}
	if !c.lives(now) {
		delete(j.cookies, c.Slot)
		return true
	}
	if c.order = old.order; !there {
		j.next++
		c.order = j.next
	}
	j.cookies[c.Slot] = c
	return true
}

// For lists the cookies that go to u when a page of its own site asks, in the order in
// which browsers send them: longer paths first, then older ones (RFC 6265bis, section
// 5.8.3).
func (j *Jar) For(u *url.URL) []Cookie { return j.of(u, siteOf(u.Hostname())) }

// of lists the cookies for u, and of Partitioned ones those of the partition.
func (j *Jar) of(u *url.URL, partition string) []Cookie {
	host := strings.ToLower(u.Hostname())
	list := slices.DeleteFunc(j.All(), func(c Cookie) bool {
		hostFits := c.Domain == host || !c.HostOnly && domainMatches(host, c.Domain)
		hostFits = hostFits && (c.Partition == "" || c.Partition == partition)
		return !hostFits || !pathMatches(u.EscapedPath(), c.Path) || c.Secure && !isSecure(u)
	})
	slices.SortStableFunc(list, func(a, b Cookie) int { return len(b.Path) - len(a.Path) })
	return list
}

// ForCrossSite is For when a page of another site asks, and it is no navigation.
func (j *Jar) ForCrossSite(u *url.URL) []Cookie {
	return slices.DeleteFunc(j.of(u, elsewhere), func(c Cookie) bool { return !c.AnySite })
}

// ForFrame is For when a page of u's own site asks that is in a frame of a page of the
// host top, in a browser that sends cookies to third parties.
func (j *Jar) ForFrame(u *url.URL, top string) []Cookie {
	if siteOf(top) == siteOf(u.Hostname()) {
		return j.For(u)
	}
	return slices.DeleteFunc(j.of(u, siteOf(top)), func(c Cookie) bool { return !c.AnySite })
}

// Header is the Cookie header of a request to u, or empty.
func (j *Jar) Header(u *url.URL) string {
	list := j.For(u)
	pairs := make([]string, len(list))
	for i, c := range list {
		pairs[i] = c.Name + "=" + c.Value
	}
	return strings.Join(pairs, "; ")
}

// All lists what the jar has, the oldest first.
func (j *Jar) All() (list []Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	for _, c := range j.cookies {
		if c.lives(now) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Cookie) int { return a.order - b.order })
	return list
}

func domainMatches(host, domain string) bool {
	if host == domain {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err != nil && strings.HasSuffix(host, "."+domain)
}

// siteOf is the registrable domain of a host, or the host where it has none.
func siteOf(host string) string {
	host = strings.ToLower(host)
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}

// defaultPath is RFC 6265bis, section 5.1.4.
func defaultPath(path string) string {
	if at := strings.LastIndexByte(path, '/'); at > 0 {
		return path[:at]
	}
	return "/"
}

func pathMatches(path, cookiePath string) bool {
	return path == cookiePath || strings.HasPrefix(path, cookiePath) && (strings.HasSuffix(cookiePath, "/") || path[len(cookiePath)] == '/')
}

// isSecure is what browsers take for a secure origin.
func isSecure(u *url.URL) bool { return u.Scheme == "https" || isLoopback(u.Hostname()) }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
