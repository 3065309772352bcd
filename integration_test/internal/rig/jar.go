package rig

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Jar is what a browser keeps of a session: cookies, and the anti-CSRF token in the
// page's storage. A native app keeps two tokens instead. The tabs of a browser share
// one Jar.
type Jar struct {
	now    func() time.Time
	native bool

	mu       sync.Mutex
	cookies  cookies
	tokens   map[string]string // a native app's
	antiCSRF string
}

// The names of the two tokens, with whatever prefix.
const (
	accessName  = "sAccessToken"
	refreshName = "sRefreshToken"
)

// NewJar returns an empty jar that goes by the given clock.
func NewJar(now func() time.Time, native bool) *Jar {
	return &Jar{now: now, native: native, tokens: make(map[string]string)}
}

// Copy is what a thief has who copied everything.
func (j *Jar) Copy() *Jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	twin := NewJar(j.now, j.native)
	twin.cookies.list, twin.antiCSRF = slices.Clone(j.cookies.list), j.antiCSRF
	maps.Copy(twin.tokens, j.tokens)
	return twin
}

// Access is the application's own access token in the jar, empty when there is none (any
// more).
func (j *Jar) Access() string { return j.value(accessName) }

// Refresh is the application's own refresh token in the jar, empty when there is none (any
// more).
func (j *Jar) Refresh() string { return j.value(refreshName) }

func (j *Jar) value(name string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.native {
		return j.tokens[name]
	}
	now := j.now()
	for _, c := range j.cookies.list {
		if c.plant == "" && strings.HasSuffix(c.name, name) && c.expires.After(now) {
			return c.value
		}
	}
	return ""
}

// Page is one that is open in the browser, and what it can say with a request.
type Page struct {
	Site Site
	// Header is what the page and its browser add.
	Header http.Header
}

// Request is a message of the application's own page, with the tokens of the moment.
func (j *Jar) Request(method, path string) Request {
	if j.native {
		return j.nativeRequest(method, path)
	}
	page := Page{Site: SameOrigin, Header: http.Header{"Sec-Fetch-Site": {string(SameOrigin)}}}
	if method != http.MethodGet {
		page.Header.Set("Origin", "https://"+Host)
	}
	r := j.RequestOf(page, method, path)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.antiCSRF != "" {
		r.Header.Set("Anti-Csrf", j.antiCSRF)
		r.AntiCSRF = j.antiCSRF
	}
	return r
}

// RequestOf is a message of any page, with the cookies that the browser adds.
func (j *Jar) RequestOf(page Page, method, path string) Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := Request{Method: method, Path: path, Site: page.Site, Host: Host, Header: http.Header{}}
	maps.Copy(r.Header, page.Header)
	where, _, _ := strings.Cut(path, "?")
	var line []string
	for _, c := range j.cookies.send(Host, where, page.Site, j.now()) {
		line = append(line, c.name+"="+c.value)
		if c.plant != "" {
			r.planted(c)
			continue
		}
		r.fill(c.name, c.value)
	}
	if len(line) > 0 {
		r.Header.Set("Cookie", strings.Join(line, "; "))
	}
	return r
}

func (j *Jar) nativeRequest(method, path string) Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := Request{Method: method, Path: path, Header: http.Header{"St-Auth-Mode": {"header"}}}
	name := accessName
	if path == RefreshPath {
		name = refreshName
	}
	if token := j.tokens[name]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
		r.fill(name, token)
	}
	return r
}

// Take stores what a reply to the application's own page brought, and reports whether it
// took the application's own tokens away.
func (j *Jar) Take(r Reply) (cleared bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if token := r.Header.Get("Anti-Csrf"); token != "" {
		j.antiCSRF = token
	}
	if j.native {
		return j.takeHeaders(r)
	}
	return j.takeCookies(r, SameOrigin)
}

// TakeOf stores what a reply to a page at site brought: its headers are not for that page,
// its cookies are for the browser.
func (j *Jar) TakeOf(site Site, r Reply) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.takeCookies(r, site)
}

func (j *Jar) takeCookies(r Reply, site Site) bool {
	removed := make(map[slot]bool)
	for _, line := range r.Header["Set-Cookie"] {
		if at, taken, gone := j.cookies.set(line, Host, "/", site, j.now(), ""); taken && at.hostOnly {
			removed[at] = gone
		}
	}
	for _, gone := range removed {
		if gone {
			return true
		}
	}
	return false
}

// Plant stores what another host of the site said in a Set-Cookie line. It reports whether
// the browser took it.
func (j *Jar) Plant(host, line, plant string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, taken, _ := j.cookies.set(line, host, "/", SameOrigin, j.now(), plant)
	return taken
}

// Weed removes what was planted.
func (j *Jar) Weed() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies.list = slices.DeleteFunc(j.cookies.list, func(c cookie) bool { return c.plant != "" })
}

func (j *Jar) takeHeaders(r Reply) (cleared bool) {
	for header, name := range map[string]string{"St-Access-Token": accessName, "St-Refresh-Token": refreshName} {
		values := r.Header.Values(header)
		switch {
		case len(values) == 0:
		case values[0] == "":
			delete(j.tokens, name)
			cleared = true
		default:
			j.tokens[name] = values[0]
		}
	}
	return cleared
}
