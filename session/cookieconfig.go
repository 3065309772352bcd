package session

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// CookieConfig rules the attributes of the kit's cookies. They are HttpOnly always
// (but for sIdRefreshToken, which front ends before 4.0 read).
type CookieConfig struct {
	// Domain shares the cookies with every host below it. Default: none, so
	// that only the host that set a cookie gets it back. It must cover the host
	// that is asked: else browsers keep no cookie of a sign-in that was answered
	// with 200. The log says so, once.
	Domain string
	// AccessPath is the path below which access tokens are sent; default "/".
	AccessPath string
	// RefreshPath is the path of the refresh route, the only one that refresh
	// tokens are sent to; default "/auth/session/refresh". Browsers must know it by
	// this path: it has the prefix that a proxy takes off.
	RefreshPath string
	// SignOutPath is where refresh.Mount puts the sign-out route; default
	// "/auth/signout". It must be below AccessPath for that. Who signs out by a route
	// of their own mounts without it: refresh.WithoutSignOut.
	SignOutPath string
	// SameSite is Lax by default. SameSiteNoneMode is for front ends on another
	// site (registrable domain) than the API.
	SameSite http.SameSite
	// Prefixes names the cookies so that browsers take them from this very host
	// only; default PrefixOff.
	Prefixes PrefixMode
	// Suffix is appended to the cookies' names, so that two applications on one host
	// (on two ports, or below two paths) keep their sessions apart: up to 32 of
	// A-Z a-z 0-9 _ -. Front ends keep names of their own, sFrontToken among
	// them, which it does not part.
	Suffix string
	// Partitioned has browsers keep the cookies apart for each site that embeds the
	// application in a frame (CHIPS), which many of them do not send cookies to at all
	// otherwise: a user signs in once in each. It needs Secure cookies, and embedded on
	// another site SameSiteNoneMode. Browsers that do not know it ignore it. An open
	// page of the application itself is a place of its own too.
	Partitioned bool
	// Older lists what earlier deploys had in place of Domain, AccessPath, RefreshPath,
	// Prefixes, Suffix and Partitioned. Their cookies go on to work and are replaced at
	// the next refresh, so that nobody is signed out; copies that would be in the way
	// are removed. Up to 8. Remove an entry when RefreshTokenValidity has passed since.
	Older []OlderCookieConfig
	// Insecure leaves the Secure attribute out, for plain HTTP on the loopback
	// interface: no cookie is set for any other host, nor through a proxy that names
	// one.
	Insecure bool
}

// OlderCookieConfig is an earlier Cookie. Fields left empty have the defaults of
// Cookie.
type OlderCookieConfig struct {
	Domain, AccessPath, RefreshPath string
	Prefixes                        PrefixMode
	Suffix                          string
	Partitioned                     bool
}

// PrefixMode says which prefixes the cookies' names have.
type PrefixMode uint8

const (
	// PrefixOff has none.
	PrefixOff PrefixMode = iota
	// PrefixHost names them __Host-sAccessToken and __Secure-sRefreshToken (RFC
	// 6265bis, section 4.1.3). No other host can set or replace the former, and only
	// the refresh token of the session that it names is refreshed. So a sibling host
	// can sign nobody in. It needs HTTPS, no Domain and the AccessPath "/".
	PrefixHost
	// PrefixHTTP names the former __Host-Http-sAccessToken: no script can set it
	// either, one of this host included, in browsers that know the prefix (Chromium
	// 140, Firefox 143). To all others it is PrefixHost, as the name begins so. The
	// refresh cookie keeps __Secure-: a name has one prefix, old browsers would enforce
	// nothing of __Http-, and the access cookie says whose refresh token counts.
	PrefixHTTP
)

// access is the prefix of the access cookie's name.
func (m PrefixMode) access() string {
	switch m {
	case PrefixHost:
		return wire.PrefixHost
	case PrefixHTTP:
		return wire.PrefixHTTP
	default:
		return ""
	}
}

// hostCookie is the name of a cookie beside the tokens'. Its prefix fits whatever
// Domain and paths these have, as it goes back to the host that has set it and to no
// other.
func (c Config) hostCookie(name string) string {
	name += c.Cookie.Suffix
	if c.Cookie.Insecure {
		return name
	}
	return wire.PrefixHost + name
}

func (c CookieConfig) withDefaults() CookieConfig {
	c.AccessPath = cmp.Or(c.AccessPath, defaultAccessPath)
	c.RefreshPath = cmp.Or(c.RefreshPath, defaultRefreshPath)
	c.SignOutPath = cmp.Or(c.SignOutPath, "/auth/signout")
	c.SameSite = cmp.Or(c.SameSite, http.SameSiteLaxMode)
	older := make([]OlderCookieConfig, len(c.Older))
	for i, o := range c.Older {
		o.AccessPath = cmp.Or(o.AccessPath, defaultAccessPath)
		o.RefreshPath = cmp.Or(o.RefreshPath, defaultRefreshPath)
		older[i] = o
	}
	c.Older = older
	return c
}

const (
	defaultAccessPath  = "/"
	defaultRefreshPath = "/auth/session/refresh"
)

// place is where the cookies are, older where they were.
func (c CookieConfig) place() wire.Place {
	at := wire.Place{Domain: c.Domain, AccessPath: c.AccessPath, RefreshPath: c.RefreshPath, Partitioned: c.Partitioned}
	return at.Named(c.Prefixes.access(), c.Suffix)
}

func (o OlderCookieConfig) place() wire.Place {
	at := wire.Place{Domain: o.Domain, AccessPath: o.AccessPath, RefreshPath: o.RefreshPath, Partitioned: o.Partitioned}
	return at.Named(o.Prefixes.access(), o.Suffix)
}

// domainSyntax is a host name, with or without the leading dot of old;
// net/http drops anything else from the header without a word.
var domainSyntax = regexp.MustCompile(`^\.?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// pathSyntax is an absolute path of unreserved characters: nothing that could
// end the attribute or the header.
var pathSyntax = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()*+=:@%/-]*$`)

// maxSuffixLen is the longest Suffix.
const maxSuffixLen = 32

// suffixSyntax keeps a name a cookie's name (RFC 6265, section 4.1.1).
var suffixSyntax = regexp.MustCompile(`^[A-Za-z0-9_-]{0,32}$`)

func (c CookieConfig) validate(p *fieldProblems) {
	p.path("Cookie.AccessPath", c.AccessPath)
	p.route("Cookie.RefreshPath", c.RefreshPath)
	p.route("Cookie.SignOutPath", c.SignOutPath)
	p.domain("Cookie.Domain", c.Domain)
	p.suffix("Cookie.Suffix", c.Suffix)
	if c.RefreshPath == c.SignOutPath {
		p.add("Cookie.SignOutPath", "is the RefreshPath too")
	}
	switch c.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if c.Insecure {
			p.add("Cookie.SameSite", "None needs Secure cookies")
		}
	default:
		p.add("Cookie.SameSite", "unknown mode %d", c.SameSite)
	}
	p.prefixes("Cookie.Prefixes", c.Prefixes, c.Domain, c.AccessPath)
	if c.Prefixes != PrefixOff && c.Insecure {
		p.add("Cookie.Prefixes", "need Secure cookies")
	}
	if c.Partitioned && c.Insecure {
		p.add("Cookie.Partitioned", "needs Secure cookies")
	}
	if len(c.Older) > maxOlder {
		p.add("Cookie.Older", "%d entries are more than %d: each adds two lines to the answers that set cookies", len(c.Older), maxOlder)
		return
	}
	for i, o := range c.Older {
		o.validate(p, fmt.Sprintf("Cookie.Older[%d]", i), c)
		if slices.ContainsFunc(c.Older[:i], func(before OlderCookieConfig) bool { return before.place() == o.place() }) {
			p.add(fmt.Sprintf("Cookie.Older[%d]", i), "is there twice")
		}
	}
}

// maxOlder bounds what answers carry for the sake of earlier deploys.
const maxOlder = 8

func (o OlderCookieConfig) validate(p *fieldProblems, field string, now CookieConfig) {
	p.path(field+".AccessPath", o.AccessPath)
	p.route(field+".RefreshPath", o.RefreshPath)
	p.domain(field+".Domain", o.Domain)
	p.suffix(field+".Suffix", o.Suffix)
	p.prefixes(field+".Prefixes", o.Prefixes, o.Domain, o.AccessPath)
	if o.place() == now.place() {
		p.add(field, "is what is in use")
	}
	if o.RefreshPath == now.SignOutPath {
		p.add(field+".RefreshPath", "is the SignOutPath")
	}
}

func (p *fieldProblems) prefixes(field string, mode PrefixMode, domain, accessPath string) {
	if mode > PrefixHTTP {
		p.add(field, "unknown mode %d", mode)
	}
	if mode != PrefixOff && (domain != "" || accessPath != "/") {
		p.add(field, "need no Domain and the AccessPath /")
	}
}

func (p *fieldProblems) suffix(field, suffix string) {
	if !suffixSyntax.MatchString(suffix) {
		p.add(field, "%q is not up to 32 of A-Z a-z 0-9 _ -", suffix)
	}
}

// route is path for one that is a route too.
func (p *fieldProblems) route(field, path string) {
	p.path(field, path)
	if strings.HasSuffix(path, "/") {
		p.add(field, "%q ends with a slash, so that the token would go to other routes too", path)
	}
}

// path complains about a path that no request has as it stands: browsers compare a
// cookie's path byte by byte with what they send.
func (p *fieldProblems) path(field, text string) {
	if len(text) > 256 || !pathSyntax.MatchString(text) {
		p.add(field, "%.300q is not an absolute path", text)
		return
	}
	if strings.ContainsAny(text, ":*") {
		p.add(field, "%q has parts that stand for any text in a router", text)
	}
	if text != "/" && path.Clean(text) != strings.TrimSuffix(text, "/") || strings.Contains(text, "%") {
		p.add(field, "%q is written in another way by browsers or routers: leave out //, . and .., and %%", text)
	}
}

func (p *fieldProblems) domain(field, domain string) {
	if domain != "" && (len(domain) > 253 || !domainSyntax.MatchString(domain)) {
		p.add(field, "%q is not a domain name", domain)
		return
	}
	// Browsers refuse cookies for a public suffix such as com or github.io, but for a
	// host that is one itself.
	if host := strings.ToLower(strings.TrimPrefix(domain, ".")); host != "" && host != "localhost" {
		if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host {
			p.add(field, "%q is a public suffix, for which browsers keep no cookies", domain)
		}
	}
}

// pathCovers reports whether a cookie with the given path is sent to target
// (RFC 6265, section 5.1.4).
func pathCovers(path, target string) bool {
	return path == target ||
		strings.HasPrefix(target, path) && (strings.HasSuffix(path, "/") || target[len(path)] == '/')
}
