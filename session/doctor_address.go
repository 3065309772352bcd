package session

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// addressProblems collects what is wrong with the cookies at one address.
type addressProblems struct {
	address string
	list    []models.Finding
}

func (p *addressProblems) add(severity models.Severity, remedy, format string, args ...any) {
	p.list = append(p.list, models.Finding{
		Severity: severity, About: "cookies", Remedy: remedy,
		Problem: fmt.Sprintf("%.200q: ", p.address) + fmt.Sprintf(format, args...),
	})
}

// addressFindings is what keeps browsers that come to an address from keeping the
// cookies, or from sending them back.
func (c Config) addressFindings(address string) []models.Finding {
	p := addressProblems{address: address}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		p.address = "" // it may hold a password
		p.add(models.SeverityError, `give it as "https://app.example"`, "this is no http or https address")
		return p.list
	}
	c.Cookie.domainAt(strings.ToLower(u.Hostname()), &p)
	c.Cookie.schemeAt(u, &p)
	c.Cookie.pathsAt(strings.TrimSuffix(u.EscapedPath(), "/"), &p)
	return p.list
}

// domainAt holds the domain against a host (RFC 6265, section 5.1.3).
func (c CookieConfig) domainAt(host string, p *addressProblems) {
	domain := strings.ToLower(strings.TrimPrefix(c.Domain, "."))
	// A domain is no address, so that no address ends with one either.
	if domain != "" && host != domain && !strings.HasSuffix(host, "."+domain) {
		p.add(models.SeverityError, "leave Cookie.Domain empty, or set a domain that the host is in",
			"browsers refuse cookies for Cookie.Domain %q from this host", c.Domain)
	}
}

// schemeAt is about Secure.
func (c CookieConfig) schemeAt(u *url.URL, p *addressProblems) {
	switch local := wire.IsLoopback(u.Host); {
	case u.Scheme == "https" && c.Insecure:
		p.add(models.SeverityError, "take Cookie.Insecure away", "Cookie.Insecure is for plain HTTP on this machine")
	case u.Scheme == "https":
	case c.Insecure && !local:
		p.add(models.SeverityError, "serve HTTPS and take Cookie.Insecure away", "with Cookie.Insecure no cookie is set but for this machine")
	case !c.Insecure && !local:
		p.add(models.SeverityError, "serve HTTPS", "browsers keep no Secure cookie from plain HTTP")
	case !c.Insecure:
		p.add(models.SeverityWarning, "serve HTTPS, or set Cookie.Insecure for development",
			"not every browser keeps a Secure cookie from plain HTTP on this machine")
	}
}

// pathsAt is about an application below a path, which a proxy may take away: browsers
// compare with what they ask for (RFC 6265, section 5.1.4).
func (c CookieConfig) pathsAt(below string, p *addressProblems) {
	if below == "" {
		return
	}
	for _, cookie := range []struct{ field, path string }{{"AccessPath", c.AccessPath}, {"RefreshPath", c.RefreshPath}} {
		if !pathCovers(below, cookie.path) && !pathCovers(cookie.path, below) {
			p.add(models.SeverityError, "write the paths as browsers see them, with "+below,
				"Cookie.%s is %s, which no request to this address has", cookie.field, cookie.path)
		}
	}
}
