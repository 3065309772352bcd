package wire

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Origins decides whether a request was meant by one of our own pages. Browsers send
// our cookies along with what foreign pages ask for; only the request tells them apart.
type Origins struct {
	protection *http.CrossOriginProtection
	trusted    map[string]bool
}

// NewOrigins trusts the given origins (scheme://host, or scheme://host:port) beside the
// request's own host. The error names the first that is none.
func NewOrigins(trusted []string) (*Origins, error) {
	o := &Origins{protection: http.NewCrossOriginProtection(), trusted: make(map[string]bool, len(trusted))}
	for _, origin := range trusted {
		canonical := canonicalOrigin(origin)
		if err := o.protection.AddTrustedOrigin(canonical); err != nil || canonical == "null" {
			return nil, fmt.Errorf("%q is no origin such as https://app.example.com", origin)
		}
		o.trusted[canonical] = true
	}
	return o, nil
}

// canonicalOrigin is an origin as browsers write it: lower case, without the port that
// the scheme implies (RFC 6454, section 6.2).
func canonicalOrigin(origin string) string {
	origin = strings.ToLower(origin)
	for scheme, port := range impliedPorts() {
		if strings.HasPrefix(origin, scheme+"://") {
			return strings.TrimSuffix(origin, port)
		}
	}
	return origin
}

func impliedPorts() map[string]string { return map[string]string{"http": ":80", "https": ":443"} }

// Allows reports whether an unsafe request was meant: it has a header that no foreign page
// can send without a CORS preflight (the application's answer to which decides), or its
// origin is the request's own host or trusted, as http.CrossOriginProtection sees it. A
// request without Origin and Sec-Fetch-Site comes from no browser of this decade.
func (o *Origins) Allows(r *http.Request) bool {
	return hasProof(r.Header) || o.protection.Check(r) == nil
}

// AllowsUpgrade is Allows for a WebSocket handshake: a GET, which carries cookies like
// any other, and to which a page can add no header. So its Origin alone decides (RFC 6455,
// section 10.2). Programs send none.
func (o *Origins) AllowsUpgrade(r *http.Request) bool {
	origins := r.Header["Origin"]
	switch len(origins) {
	case 0:
		return true
	case 1:
		return o.trusted[origins[0]] || isHost(origins[0], r.Host)
	default:
		return false
	}
}

// isHost reports whether origin is one of host's. A port that the scheme implies may be
// named or not: some proxies add it.
func isHost(origin, host string) bool {
	const longest = 512
	if len(origin) > longest || len(host) > longest {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil {
		return false
	}
	implied := impliedPorts()[u.Scheme]
	if implied == "" {
		return false
	}
	return strings.EqualFold(strings.TrimSuffix(u.Host, implied), strings.TrimSuffix(host, implied))
}

// IsUpgrade recognises a WebSocket handshake.
func IsUpgrade(r *http.Request) bool {
	const longest = 256
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

// proofs are the headers of the front ends' own that make browsers ask first. All
// generations send one of them at a refresh (docs/protocol.md).
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
	// Not any Authorization header: browsers add Basic and Negotiate by themselves.
	if a := h["Authorization"]; len(a) == 1 && len(a[0]) > len("Bearer ") && strings.EqualFold(a[0][:len("Bearer ")], "Bearer ") {
		return true
	}
	return needsPreflight(h["Content-Type"])
}

// needsPreflight reports whether a page of another origin must ask before it sends a body
// of this type (Fetch standard, "CORS-safelisted request-header"). What cannot be
// read counts as one that need not.
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
