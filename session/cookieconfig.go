package session

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// Cookie rules the attributes of the kit's cookies. They are HttpOnly always
// (but for sIdRefreshToken, which front ends before 4.0 read).
type Cookie struct {
	// Domain shares the cookies with every host below it. Default: none, so
	// that only the host that set a cookie gets it back.
	Domain string
	// AccessPath is the path below which access tokens are sent; default "/".
	AccessPath string
	// RefreshPath is the path of the refresh route, the only one that refresh
	// tokens are sent to; default "/auth/session/refresh".
	RefreshPath string
	// SignOutPath is where refresh.Mount puts the sign-out route; default
	// "/auth/signout".
	SignOutPath string
	// SameSite is Lax by default. SameSiteNoneMode is for front ends on another
	// site (registrable domain) than the API.
	SameSite http.SameSite
	// Prefixes names the cookies __Host-sAccessToken and
	// __Secure-sRefreshToken, which browsers then refuse to take from
	// subdomains and plain HTTP (RFC 6265bis, section 4.1.3). The access path must be "/".
	Prefixes bool
	// OlderDomain is a Domain that was configured before. Where a request
	// carries several cookies of one name, the copies there are cleared.
	OlderDomain string
	// Insecure leaves the Secure attribute out, for plain HTTP on the loopback
	// interface: any other host is refused.
	Insecure bool
}

func (c Cookie) withDefaults() Cookie {
	c.AccessPath = cmp.Or(c.AccessPath, "/")
	c.RefreshPath = cmp.Or(c.RefreshPath, "/auth/session/refresh")
	c.SignOutPath = cmp.Or(c.SignOutPath, "/auth/signout")
	c.SameSite = cmp.Or(c.SameSite, http.SameSiteLaxMode)
	return c
}

// domainSyntax is a host name, with or without the leading dot of old;
// net/http drops anything else from the header without a word.
var domainSyntax = regexp.MustCompile(`^\.?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// pathSyntax is an absolute path of unreserved characters: nothing that could
// end the attribute or the header.
var pathSyntax = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()*+=:@%/-]*$`)

func (c Cookie) validate(p *problems) {
	p.path("Cookie.AccessPath", c.AccessPath)
	p.path("Cookie.RefreshPath", c.RefreshPath)
	p.path("Cookie.SignOutPath", c.SignOutPath)
	p.domain("Cookie.Domain", c.Domain)
	p.domain("Cookie.OlderDomain", c.OlderDomain)
	if c.OlderDomain != "" && c.OlderDomain == c.Domain {
		p.add("Cookie.OlderDomain", "is the Domain in use")
	}
	if !pathCovers(c.AccessPath, c.SignOutPath) {
		p.add("Cookie.SignOutPath", "%q is not below AccessPath (%q), so that no access token would reach it", c.SignOutPath, c.AccessPath)
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
	if c.Prefixes && (c.Insecure || c.Domain != "" || c.AccessPath != "/") {
		p.add("Cookie.Prefixes", "need Secure cookies, no Domain and the AccessPath /")
	}
}

func (p *problems) path(field, path string) {
	if len(path) > 256 || !pathSyntax.MatchString(path) {
		p.add(field, "%q is not an absolute path", path)
	}
}

func (p *problems) domain(field, domain string) {
	if domain != "" && (len(domain) > 253 || !domainSyntax.MatchString(domain)) {
		p.add(field, "%q is not a domain name", domain)
	}
}

// pathCovers reports whether a cookie with the given path is sent to target
// (RFC 6265, section 5.1.4).
func pathCovers(path, target string) bool {
	return path == target ||
		strings.HasPrefix(target, path) && (strings.HasSuffix(path, "/") || target[len(path)] == '/')
}

// accessCookie and refreshCookie are the names with the prefixes of RFC 6265bis, where those
// are on. The refresh cookie's path is not "/", so that __Host- does not fit it.
func (c Cookie) accessCookie() string {
	if c.Prefixes {
		return "__Host-" + wire.CookieAccess
	}
	return wire.CookieAccess
}

func (c Cookie) refreshCookie() string {
	if c.Prefixes {
		return "__Secure-" + wire.CookieRefresh
	}
	return wire.CookieRefresh
}
