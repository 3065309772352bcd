package rig

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxCookie is the size above which browsers drop a cookie without a word.
const maxCookie = 4096

// Jar is what a browser keeps of a session: cookies by the rules of RFC 6265bis
// as far as the kit uses them (Path, Max-Age, the limit of size, the last
// Set-Cookie wins), and the anti-CSRF token in the page's storage. A native app
// keeps two tokens instead. The tabs of a browser share one Jar.
type Jar struct {
	now    func() time.Time
	native bool

	mu       sync.Mutex
	cookies  map[string]cookie
	antiCSRF string
}

type cookie struct {
	value, path string
	expires     time.Time
}

// NewJar returns an empty jar that goes by the given clock.
func NewJar(now func() time.Time, native bool) *Jar {
	return &Jar{now: now, native: native, cookies: make(map[string]cookie)}
}

// Copy is what a thief has who copied everything.
func (j *Jar) Copy() *Jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &Jar{now: j.now, native: j.native, cookies: maps.Clone(j.cookies), antiCSRF: j.antiCSRF}
}

// Access is the access token in the jar, empty when there is none (any more).
func (j *Jar) Access() string { return j.value("sAccessToken") }

// Refresh is the refresh token in the jar, empty when there is none (any more).
func (j *Jar) Refresh() string { return j.value("sRefreshToken") }

func (j *Jar) value(name string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, ok := j.cookies[name]
	if !ok || !c.expires.After(j.now()) {
		return ""
	}
	return c.value
}

// Request is a message to the application with the tokens of the moment.
func (j *Jar) Request(method, path string) Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := Request{Method: method, Path: path, Header: http.Header{}}
	where, _, _ := strings.Cut(path, "?")
	if j.native {
		r.Header.Set("St-Auth-Mode", "header")
		name := "sAccessToken"
		if where == RefreshPath {
			name = "sRefreshToken"
		}
		if c, ok := j.cookies[name]; ok && c.expires.After(j.now()) {
			r.Header.Set("Authorization", "Bearer "+c.value)
			r.fill(name, c.value)
		}
		return r
	}
	for name, c := range j.cookies {
		if c.expires.After(j.now()) && below(where, c.path) {
			r.fill(name, c.value)
			r.Header.Add("Cookie", name+"="+c.value)
		}
	}
	if j.antiCSRF != "" {
		r.Header.Set("Anti-Csrf", j.antiCSRF)
		r.AntiCSRF = j.antiCSRF
	}
	return r
}

func below(path, cookiePath string) bool {
	return cookiePath == "/" || path == cookiePath || strings.HasPrefix(path, cookiePath+"/")
}

// Take stores what a reply brought, and reports whether it took tokens away.
func (j *Jar) Take(r Reply) (cleared bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if token := r.Header.Get("Anti-Csrf"); token != "" {
		j.antiCSRF = token
	}
	if j.native {
		return j.takeHeaders(r)
	}
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(j.cookies, c.Name)
			cleared = true
			continue
		}
		if len(c.Name)+len(c.Value) > maxCookie {
			continue
		}
		j.cookies[c.Name] = cookie{c.Value, c.Path, j.now().Add(time.Duration(c.MaxAge) * time.Second)}
	}
	return cleared
}

func (j *Jar) takeHeaders(r Reply) (cleared bool) {
	for header, name := range map[string]string{"St-Access-Token": "sAccessToken", "St-Refresh-Token": "sRefreshToken"} {
		values := r.Header.Values(header)
		switch {
		case len(values) == 0:
		case values[0] == "":
			delete(j.cookies, name)
			cleared = true
		default:
			j.cookies[name] = cookie{values[0], "/", j.now().AddDate(100, 0, 0)}
		}
	}
	return cleared
}
