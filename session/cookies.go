package session

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/wire"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// maxCookieAge is the longest life that browsers grant (RFC 6265bis, section 5.5).
const maxCookieAge = 400 * day

// accessCookie, refreshCookie and idRefreshCookie have the attributes under
// which the browser keeps them; the same ones clear them.
func (a *answer) accessCookie(value string, expires time.Time) *http.Cookie {
	return a.cookie(a.svc.cfg.Cookie.accessCookie(), value, a.svc.cfg.Cookie.AccessPath, expires)
}

func (a *answer) refreshCookie(value string, expires time.Time) *http.Cookie {
	return a.cookie(a.svc.cfg.Cookie.refreshCookie(), value, a.svc.cfg.Cookie.RefreshPath, expires)
}

func (a *answer) idRefreshCookie(value string, expires time.Time) *http.Cookie {
	c := a.cookie(wire.CookieIDRefresh, value, "/", expires) //nolint:gosec // see cookie
	c.HttpOnly = false                                       // it is a hint for scripts, and no credential
	return c
}

func (a *answer) cookie(name, value, path string, expires time.Time) *http.Cookie {
	cfg, now := a.svc.cfg.Cookie, a.svc.cfg.Now()
	lifetime := min(expires.Sub(now), maxCookieAge)
	return &http.Cookie{ //nolint:gosec // Secure is off for loopback hosts only, SameSite is validated
		Name: name, Value: value, Path: path, Domain: cfg.Domain,
		// A lifetime of 0 s would read as "no Max-Age".
		MaxAge: max(1, int(lifetime/time.Second)), Expires: now.Add(lifetime).UTC(),
		HttpOnly: true, Secure: !cfg.Insecure, SameSite: cfg.SameSite,
	}
}

// expired turns c into the cookie that deletes it.
func expired(c *http.Cookie) *http.Cookie { //nolint:gosec // see cookie
	c.Value, c.MaxAge, c.Expires = "", -1, time.Unix(0, 0).UTC()
	return c
}

func (a *answer) clearCookies() {
	a.setCookie(expired(a.accessCookie("", time.Time{})))
	a.setCookie(expired(a.refreshCookie("", time.Time{})))
	if a.svc.cfg.FrontEnds.IDRefreshCookie != IDRefreshCookieOff {
		a.setCookie(expired(a.idRefreshCookie("", time.Time{})))
	}
}

// clearOlderDomain removes copies of the cookies that an earlier Cookie.Domain left
// behind: the browser sends both, and nobody can tell which is which.
func (a *answer) clearOlderDomain() {
	if a.svc.cfg.Cookie.OlderDomain == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range []*http.Cookie{a.accessCookie("", time.Time{}), a.refreshCookie("", time.Time{})} {
		c.Domain = a.svc.cfg.Cookie.OlderDomain
		a.w.Header().Add("Set-Cookie", expired(c).String())
	}
	a.noStore()
}

// setCookie replaces a cookie of the same name that this response had; other
// packages' cookies stay.
func (a *answer) setCookie(c *http.Cookie) {
	h := a.w.Header()
	lines := h["Set-Cookie"]
	kept := lines[:0:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, c.Name+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, c.String())
}

func (s *Service) hasIDRefreshCookie(r *http.Request) bool {
	return wire.HasCookie(r, wire.CookieIDRefresh)
}

// checkHost refuses cookies without Secure on anything but the loopback interface.
func (s *Service) checkHost(r *http.Request) error {
	if !s.cfg.Cookie.Insecure || isLoopback(r.Host) {
		return nil
	}
	err := errors.WithReason(errors.ErrConfig, errors.New("Config.Cookie.Insecure is for loopback hosts only"))
	// Once, because anybody can send any host.
	if s.saidForeignHost.CompareAndSwap(false, true) {
		s.cfg.Logger.ErrorContext(r.Context(), "sessionkit: no session without HTTPS", "error", err, "host", boundedText(r.Host, 256))
	}
	return err
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
