// Package testjar is a browser for tests: a cookie jar by the rules of RFC 6265bis, and
// fetch as far as redirects and the headers go that tell a page's origin.
package testjar

import (
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

// slot is what tells two cookies of a browser apart (RFC 6265bis, section 5.7, step 23).
type slot struct {
	name, domain, path string
	hostOnly           bool
}

// Cookie is a cookie in a Jar.
type Cookie struct {
	Name, Value, Domain, Path  string
	HostOnly, Secure, HTTPOnly bool

	expires time.Time
	// order is when it was first set, counted.
	order int
}

// maxCookieSize is the size of name and value above which a cookie is refused.
const maxCookieSize = 4096

// Jar keeps cookies. It is safe for concurrent use.
type Jar struct {
	now func() time.Time

	mu      sync.Mutex
	cookies map[slot]Cookie
	next    int
}

// New returns an empty jar that goes by the given clock.
func New(now func() time.Time) *Jar { return &Jar{now: now, cookies: make(map[slot]Cookie)} }

// Set stores what a response from u set, and returns the lines that a browser refuses.
func (j *Jar) Set(u *url.URL, lines []string) (refused []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range lines {
		if !j.set(u, line) {
			refused = append(refused, line)
		}
	}
	return refused
}

// set follows the steps of RFC 6265bis, section 5.7.
func (j *Jar) set(u *url.URL, line string) bool {
	parsed, err := http.ParseSetCookie(line)
	if err != nil || len(parsed.Name)+len(parsed.Value) > maxCookieSize {
		return false
	}
	c := Cookie{
		Name: parsed.Name, Value: parsed.Value, Path: parsed.Path,
		Secure: parsed.Secure, HTTPOnly: parsed.HttpOnly, expires: j.now().Add(400 * 24 * time.Hour),
	}
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = defaultPath(u.EscapedPath())
	}
	if !c.place(u.Hostname(), parsed.Domain) || !c.mayBeSet(u, parsed) {
		return false
	}
	switch {
	case parsed.MaxAge < 0:
		c.expires = time.Time{}
	case parsed.MaxAge > 0:
		c.expires = j.now().Add(min(time.Duration(parsed.MaxAge)*time.Second, 400*24*time.Hour))
	case !parsed.Expires.IsZero():
		c.expires = parsed.Expires
	}
	return j.store(u, c)
}

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
func (c *Cookie) mayBeSet(u *url.URL, parsed *http.Cookie) bool {
	secureOrigin := u.Scheme == "https" || isLoopback(u.Hostname())
	switch name := strings.ToLower(c.Name); {
	case c.Secure && !secureOrigin, parsed.SameSite == http.SameSiteNoneMode && !c.Secure:
		return false
	case strings.HasPrefix(name, "__secure-"):
		return c.Secure
	case strings.HasPrefix(name, "__host-"):
		return c.Secure && c.HostOnly && parsed.Path == "/"
	default:
		return true
	}
}

// store replaces the cookie in the same slot, which keeps its place in the order.
func (j *Jar) store(u *url.URL, c Cookie) bool {
	at := slot{c.Name, c.Domain, c.Path, c.HostOnly}
	old, there := j.cookies[at]
	if there && old.Secure && !c.Secure && u.Scheme != "https" {
		return false // leave secure cookies alone
	}
	if !c.expires.After(j.now()) {
		delete(j.cookies, at)
		return true
	}
	if c.order = old.order; !there {
		j.next++
		c.order = j.next
	}
	j.cookies[at] = c
	return true
}

// For lists the cookies that are sent to u, in the order in which browsers send them:
// longer paths first, then older ones (RFC 6265bis, section 5.8.3).
func (j *Jar) For(u *url.URL) (list []Cookie) {
	for _, c := range j.All() {
		hostFits := c.Domain == strings.ToLower(u.Hostname()) || !c.HostOnly && domainMatches(strings.ToLower(u.Hostname()), c.Domain)
		if hostFits && pathMatches(u.EscapedPath(), c.Path) && (!c.Secure || u.Scheme == "https" || isLoopback(u.Hostname())) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Cookie) int { return len(b.Path) - len(a.Path) })
	return list
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
	for _, c := range j.cookies {
		if c.expires.After(j.now()) {
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

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
