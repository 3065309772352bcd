package wire

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Origins decides whether a request was meant by one of our own pages. Browsers
// send our cookies along with what foreign pages ask for; only the request
// tells them apart.
type Origins struct {
	trusted map[string]bool
}

// originSyntax is an origin as browsers send it (RFC 6454, section 6.2): no
// wildcard, no user, no path, letters of ASCII. Apps have schemes of their own,
// such as capacitor.
var originSyntax = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$`)

// NewOrigins trusts the given origins (scheme://host, or scheme://host:port)
// beside the request's own host. The error names the first that is none.
func NewOrigins(trusted []string) (*Origins, error) {
	o := &Origins{trusted: make(map[string]bool, len(trusted))}
	for _, origin := range trusted {
		canonical := canonicalOrigin(origin)
		// Pages have no origin of these schemes: a WebSocket has its page's.
		socket := strings.HasPrefix(canonical, "ws://") || strings.HasPrefix(canonical, "wss://")
		if socket || len(origin) > longestOrigin || !originSyntax.MatchString(canonical) {
			return nil, fmt.Errorf("%.300q is no origin such as https://app.example.com", origin)
		}
		o.trusted[canonical] = true
	}
	return o, nil
}

// longestOrigin is more than scheme, host (RFC 1035: 253) and port take.
const longestOrigin = 512

// canonicalOrigin is an origin as browsers write it: lower case, without the
// port that the scheme implies (RFC 6454, section 6.2).
func canonicalOrigin(origin string) string {
	origin = strings.ToLower(origin)
	scheme, _, _ := strings.Cut(origin, "://")
	return strings.TrimSuffix(origin, impliedPort(scheme))
}

// impliedPort is the port that a scheme implies, or empty.
func impliedPort(scheme string) string {
	switch scheme {
	case "http":
		return ":80"
	case "https":
		return ":443"
	default:
		return ""
	}
}

// Allows reports whether a request was meant, whatever its method: it has a
// header that no foreign page can send without a CORS preflight (the
// application's answer to which decides), or it comes from the request's own
// host or a trusted origin.
func (o *Origins) Allows(r *http.Request) bool {
	return hasProof(r.Header) || o.IsOwn(r)
}

// IsOwn goes by Sec-Fetch-Site, which all browsers send since 2023, and without
// it by Origin, as [http.CrossOriginProtection] does. A request with neither
// comes from no browser of this decade. One with several of either comes from
// no browser at all.
func (o *Origins) IsOwn(r *http.Request) bool {
	sites, origins := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	switch {
	case len(sites) > 1 || len(origins) > 1:
		return false
	case len(origins) == 1 && o.trusts(origins[0]):
		return true
	case len(sites) == 1:
		return sites[0] == "same-origin" || sites[0] == "none"
	default:
		return len(origins) == 0 || isHost(origins[0], r.Host)
	}
}

// AllowsVisit is Allows for a GET, which a browser sends to the refresh route when a
// page has sent it there. Any page can have links to it, and the answer to one shows
// nothing of it to that page: so a navigation of the whole window may come from
// anywhere. What a page loads into itself, as images, frames and scripts, may not.
// Browsers that say nothing of this, of before 2023, go by Origin.
func (o *Origins) AllowsVisit(r *http.Request) bool {
	switch dest := r.Header["Sec-Fetch-Dest"]; {
	case len(dest) == 1 && dest[0] == "document":
		return true
	case len(r.Header["Sec-Fetch-Site"]) > 0, len(dest) == 0 && len(r.Header["Sec-Fetch-Mode"]) == 0:
		return o.IsOwn(r)
	default:
		return false
	}
}

// AllowsUpgrade is Allows for a WebSocket handshake: a GET, which carries
// cookies like any other, and to which a page can add no header. So its Origin
// alone decides (RFC 6455, section 10.2). Programs send none.
func (o *Origins) AllowsUpgrade(r *http.Request) bool {
	switch origins := r.Header["Origin"]; len(origins) {
	case 0:
		return true
	case 1:
		return o.trusts(origins[0]) || isHost(origins[0], r.Host)
	default:
		return false
	}
}

func (o *Origins) trusts(origin string) bool {
	return len(origin) <= longestOrigin && o.trusted[origin]
}

// isHost reports whether origin is one of host's. A port that the scheme
// implies may be named or not: some proxies add it.
func isHost(origin, host string) bool {
	if len(origin) > longestOrigin || len(host) > longestOrigin {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	implied := impliedPort(u.Scheme)
	return implied != "" && strings.EqualFold(strings.TrimSuffix(u.Host, implied), strings.TrimSuffix(host, implied))
}

// IsUpgrade recognises a WebSocket handshake (RFC 6455, section 4.1), over
// HTTP/2 too (RFC 8441, section 4).
func IsUpgrade(r *http.Request) bool {
	const longest, most = 256, 8
	if r.Method == http.MethodConnect || len(r.Header["Upgrade"]) > most {
		return true
	}
	for _, line := range r.Header["Upgrade"] {
		if len(line) > longest {
			return true // nobody sends that, so the stricter rule holds
		}
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), "websocket") {
				return true
			}
		}
	}
	return false
}

// proofs are the headers of the front ends' own that make browsers ask first.
// All generations send one of them at a refresh (docs/protocol.md).
var proofs = [...]string{
	http.CanonicalHeaderKey(HeaderRid), http.CanonicalHeaderKey(HeaderFDIVersion), HeaderAuthMode,
	http.CanonicalHeaderKey(HeaderAntiCSRF), http.CanonicalHeaderKey(HeaderSDKName),
}

func hasProof(h http.Header) bool {
	for _, name := range proofs {
		if len(h[name]) > 0 {
			return true
		}
	}
	// Not any Authorization header: browsers add Basic and Negotiate by
	// themselves.
	if a := h["Authorization"]; len(a) == 1 && len(a[0]) > len("Bearer ") && strings.EqualFold(a[0][:len("Bearer ")], "Bearer ") {
		return true
	}
	return needsPreflight(h["Content-Type"])
}

// needsPreflight reports whether a page of another origin must ask before it
// sends a body of this type (Fetch standard, "CORS-safelisted request-header").
// What cannot be read counts as one that need not.
func needsPreflight(types []string) bool {
	const longest = 256
	if len(types) != 1 || len(types[0]) > longest {
		return false
	}
	essence, _, err := mime.ParseMediaType(types[0])
	if err != nil {
		return false
	}
	switch essence {
	case "application/x-www-form-urlencoded", "multipart/form-data", "text/plain":
		return false
	}
	return strings.Contains(essence, "/")
}
