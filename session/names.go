package session

import "strings"

// The names on the wire, as the front ends know them.
const (
	cookieAccess    = "sAccessToken"
	cookieRefresh   = "sRefreshToken"
	cookieIDRefresh = "sIdRefreshToken"

	headerAntiCSRF   = "anti-csrf"
	headerFront      = "front-token"
	headerIDRefresh  = "id-refresh-token"
	headerRid        = "rid"
	headerSTAccess   = "st-access-token"
	headerSTRefresh  = "st-refresh-token"
	headerFDIVersion = "fdi-version"

	// headerAuthMode is looked up in every request, which allocates for any name but a
	// canonical one.
	headerAuthMode = "St-Auth-Mode"

	// removeMarker tells a front end to forget what it keeps.
	removeMarker = "remove"
)

// AllowHeaders lists the request headers that front ends send, for a CORS
// preflight's Access-Control-Allow-Headers (credentials rule out the wildcard).
func AllowHeaders() []string {
	return []string{
		"content-type", headerAntiCSRF, headerRid, headerFDIVersion, "authorization", strings.ToLower(headerAuthMode),
		"supertokens-sdk-name", "supertokens-sdk-version",
	}
}

// ExposeHeaders lists the response headers that front ends read, for
// Access-Control-Expose-Headers. The kit appends those that a response has by itself.
func ExposeHeaders() []string {
	return []string{headerAntiCSRF, headerIDRefresh, headerFront, headerSTAccess, headerSTRefresh}
}

// accessCookie and refreshCookie are the names with the prefixes of RFC 6265bis, where those
// are on. The refresh cookie's path is not "/", so that __Host- does not fit it.
func (c Cookie) accessCookie() string {
	if c.Prefixes {
		return "__Host-" + cookieAccess
	}
	return cookieAccess
}

func (c Cookie) refreshCookie() string {
	if c.Prefixes {
		return "__Secure-" + cookieRefresh
	}
	return cookieRefresh
}
