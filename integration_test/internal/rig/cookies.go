package rig

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Host is the application's, to browsers: they keep one jar for all of its instances.
const Host = "app.example.com"

// Site says where the page is that asks for a request, as Sec-Fetch-Site does.
type Site string

// The sites: the application's own page, one of a sibling host, and any other.
const (
	SameOrigin Site = "same-origin"
	SameSite   Site = "same-site"
	CrossSite  Site = "cross-site"
)

// maxCookie is the size above which browsers drop a cookie without a word.
const maxCookie = 4096

// cookies is what a browser keeps, by the storage model of RFC 6265bis (section 5.7):
// a cookie is told from others by its name, domain, host-only flag and path, so that
// one name may have many. All requests go over HTTPS.
type cookies struct {
	list []cookie // in the order of their creation
}

type cookie struct {
	slot
	value   string
	expires time.Time
	// anySite: SameSite is None.
	anySite bool
	// plant is who planted it, and as what; empty for the application's own.
	plant string
}

// slot is what tells two cookies apart.
type slot struct {
	name, domain, path string
	hostOnly           bool
}

// set stores what host said in one Set-Cookie line, to a request of a page at site. It returns
// the cookie's slot, whether it was taken at all, and whether it was a removal.
func (j *cookies) set(line, host, path string, site Site, now time.Time, plant string) (at slot, taken, removed bool) {
	c, err := http.ParseSetCookie(line)
	if err != nil || len(c.Name)+len(c.Value) > maxCookie {
		return slot{}, false, false
	}
	at = slot{name: c.Name, domain: host, path: c.Path, hostOnly: true}
	if domain := strings.ToLower(strings.TrimPrefix(c.Domain, ".")); domain != "" {
		if !within(host, domain) || isPublic(domain) {
			return slot{}, false, false
		}
		at.domain, at.hostOnly = domain, false
	}
	if !strings.HasPrefix(at.path, "/") {
		at.path = defaultPath(path)
	}
	anySite := c.SameSite == http.SameSiteNoneMode
	if anySite && !c.Secure || !anySite && site == CrossSite || !keepsPrefix(c, at) {
		return slot{}, false, false
	}
	expires := now.AddDate(1, 0, 0) // as long as the browser runs
	switch {
	case c.MaxAge != 0: // it wins over Expires
		expires = now.Add(time.Duration(c.MaxAge) * time.Second)
	case !c.Expires.IsZero():
		expires = c.Expires
	}
	i := slices.IndexFunc(j.list, func(c cookie) bool { return c.slot == at })
	if !expires.After(now) {
		if i >= 0 {
			j.list = slices.Delete(j.list, i, i+1)
		}
		return at, true, true
	}
	kept := cookie{at, c.Value, expires, anySite, plant}
	if i >= 0 {
		j.list[i] = kept // which keeps the time of its creation
	} else {
		j.list = append(j.list, kept)
	}
	return at, true, false
}

// keepsPrefix is section 5.7, steps 20 and 21, without regard to case.
func keepsPrefix(c *http.Cookie, at slot) bool {
	name := strings.ToLower(c.Name)
	switch {
	case strings.HasPrefix(name, "__host-"):
		return c.Secure && at.hostOnly && c.Path == "/"
	case strings.HasPrefix(name, "__secure-"):
		return c.Secure
	}
	return true
}

func isPublic(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// defaultPath is section 5.1.4.
func defaultPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// below is the path match of section 5.1.4.
func below(path, cookiePath string) bool {
	return path == cookiePath || strings.HasPrefix(path, cookiePath) && (strings.HasSuffix(cookiePath, "/") || path[len(cookiePath)] == '/')
}

// send are the cookies that go with a request of a page at site, in the order of section
// 5.8.3: longer paths first, and of equal ones those that were created earlier. None of the
// requests is a navigation, with which Lax cookies would go across sites.
func (j *cookies) send(host, path string, site Site, now time.Time) (list []cookie) {
	for _, c := range j.list {
		if c.expires.After(now) && (host == c.domain || !c.hostOnly && within(host, c.domain)) && below(path, c.path) &&
			(site != CrossSite || c.anySite) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b cookie) int { return len(b.path) - len(a.path) })
	return list
}
