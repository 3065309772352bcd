package wire

import "strings"

// The names on the wire, as the front ends know them.
const (
	CookieAccess    = "sAccessToken"
	CookieRefresh   = "sRefreshToken"
	CookieIDRefresh = "sIdRefreshToken"
	CookieDevice    = "sDevice"

	HeaderAntiCSRF   = "anti-csrf"
	HeaderFront      = "front-token"
	HeaderIDRefresh  = "id-refresh-token"
	HeaderRid        = "rid"
	HeaderSTAccess   = "st-access-token"
	HeaderSTRefresh  = "st-refresh-token"
	HeaderFDIVersion = "fdi-version"
	HeaderSDKName    = "supertokens-sdk-name"

	// HeaderAuthMode is looked up in every request, which allocates for any
	// name but a canonical one.
	HeaderAuthMode = "St-Auth-Mode"

	// RemoveMarker tells a front end to forget what it keeps.
	RemoveMarker = "remove"
)

// AllowHeaders lists the request headers that front ends send, for a CORS
// preflight's Access-Control-Allow-Headers (credentials rule out the wildcard).
func AllowHeaders() []string {
	return []string{
		"content-type", HeaderAntiCSRF, HeaderRid, HeaderFDIVersion, "authorization", strings.ToLower(HeaderAuthMode),
		HeaderSDKName, "supertokens-sdk-version",
	}
}

// ExposeHeaders lists the response headers that front ends read, for
// Access-Control-Expose-Headers. The kit appends those that a response has by
// itself.
func ExposeHeaders() []string {
	return []string{HeaderAntiCSRF, HeaderIDRefresh, HeaderFront, HeaderSTAccess, HeaderSTRefresh}
}
