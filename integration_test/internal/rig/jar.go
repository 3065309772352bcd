package rig

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
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

// Jar is what a browser keeps of a session: cookies, and the anti-CSRF token in the
// page's storage. A native app keeps two tokens instead. The tabs of a browser share
// one Jar.
type Jar struct {
	now    func() time.Time
	native bool
	// cookies have as mark who planted them, and as what; the application's own have none.
	cookies *testjar.Jar
	// Top, if set, is the host of another page, which has the application's in a frame.
	// Set it between requests.
	Top string

	mu       sync.Mutex
	tokens   map[string]string // a native app's
	antiCSRF string
	refused  []string
}

// The names of the two tokens, with whatever prefix.
const (
	accessName  = "sAccessToken"
	refreshName = "sRefreshToken"
)

// NewJar returns an empty jar that goes by the given clock.
func NewJar(now func() time.Time, native bool) *Jar {
	return &Jar{now: now, native: native, cookies: testjar.New(now), tokens: make(map[string]string)}
}

// Copy is what a thief has who copied everything.
func (j *Jar) Copy() *Jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	twin := NewJar(j.now, j.native)
	twin.Top = j.Top
	twin.cookies, twin.antiCSRF = j.cookies.Clone(), j.antiCSRF
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
	for _, c := range j.cookies.All() {
		if c.Mark == "" && strings.HasSuffix(c.Name, name) {
			return c.Value
		}
	}
	return ""
}

// Cookies are those of the browser, planted ones included.
func (j *Jar) Cookies() *testjar.Jar { return j.cookies }

// AntiCSRF is the anti-CSRF token that the page keeps.
func (j *Jar) AntiCSRF() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.antiCSRF
}

// SetAntiCSRF changes it; an empty one is not sent.
func (j *Jar) SetAntiCSRF(token string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.antiCSRF = token
}

// Refused are the Set-Cookie lines of replies to the own page that the browser refused.
func (j *Jar) Refused() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.refused)
}

// Page is one that is open in the browser, and what it can say with a request.
type Page struct {
	Site Site
	// Header is what the page and its browser add.
	Header http.Header
}

// Request is a message of the application's own page, with the tokens of the moment. The
// target is a path, or a URL, whose host the page is then of.
func (j *Jar) Request(method, target string) Request {
	if j.native {
		return j.nativeRequest(method, target)
	}
	page := Page{Site: SameOrigin, Header: http.Header{"Sec-Fetch-Site": {string(SameOrigin)}}}
	if method != http.MethodGet && method != http.MethodHead {
		page.Header.Set("Origin", "https://"+urlAt(target).Host)
	}
	r := j.RequestOf(page, method, target)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.antiCSRF != "" {
		r.Header.Set("Anti-Csrf", j.antiCSRF)
		r.AntiCSRF = j.antiCSRF
	}
	return r
}

// RequestOf is a message of any page, with the cookies that the browser adds.
func (j *Jar) RequestOf(page Page, method, target string) Request {
	at := urlAt(target)
	j.mu.Lock()
	defer j.mu.Unlock()
	r := Request{Method: method, Path: at.RequestURI(), Site: page.Site, Host: at.Host, Header: http.Header{}}
	maps.Copy(r.Header, page.Header)
	var line []string
	sent := j.cookies.For
	switch {
	case page.Site == CrossSite:
		sent = j.cookies.ForCrossSite
	case j.Top != "":
		sent = func(u *url.URL) []testjar.Cookie { return j.cookies.ForFrame(u, j.Top) }
	}
	for _, c := range sent(at) {
		line = append(line, c.Name+"="+c.Value)
		if c.Mark != "" {
			r.planted(c)
			continue
		}
		r.fill(c.Name, c.Value)
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
func (j *Jar) Take(r Reply) (cleared bool) { return j.takeFrom(urlAt("/"), r) }

// takeFrom is Take for a reply of that URL.
func (j *Jar) takeFrom(at *url.URL, r Reply) (cleared bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if token := r.Header.Get("Anti-Csrf"); token != "" {
		j.antiCSRF = token
	}
	if j.native {
		return j.takeHeaders(r)
	}
	return j.takeCookies(at, r, SameOrigin)
}

// TakeOf stores what a reply to a page at site brought: its headers are not for that page,
// its cookies are for the browser.
func (j *Jar) TakeOf(site Site, r Reply) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.takeCookies(urlAt("/"), r, site)
}

func (j *Jar) takeCookies(at *url.URL, r Reply, site Site) bool {
	removed := make(map[testjar.Slot]bool)
	from := testjar.Response{URL: at, CrossSite: site == CrossSite}
	if site == SameOrigin {
		from.Top = j.Top
	}
	for _, line := range r.Header["Set-Cookie"] {
		slot, gone, taken := j.cookies.Put(from, line)
		switch {
		case taken && slot.HostOnly:
			// Copies in and out of a partition go before the one that counts is set.
			slot.Partition = ""
			removed[slot] = gone
		case !taken && site == SameOrigin:
			j.refused = append(j.refused, line)
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
	_, _, taken := j.cookies.Put(testjar.Response{URL: urlAt("https://" + host), Mark: plant}, line)
	return taken
}

// Weed removes what was planted.
func (j *Jar) Weed() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies.Drop(func(c testjar.Cookie) bool { return c.Mark != "" })
}

// urlAt is where a request goes: a URL, or a path of Host, over HTTPS.
func urlAt(target string) *url.URL {
	u, err := (&url.URL{Scheme: "https", Host: Host, Path: "/"}).Parse(target)
	if err != nil {
		panic(err)
	}
	return u
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
