package wire

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Request is what a request carries of ours. It is read once.
type Request struct {
	set    *Settings
	http   *http.Request
	bearer string
	jar    jar
	// namesMode: the client is a front end of 16 or later. These can read the
	// value "remove" of front-token, at which some earlier ones fail.
	namesMode bool
}

// read reads r.
func (q *Request) read(set *Settings, r *http.Request) {
	q.set, q.http, q.namesMode = set, r, r.Header.Get(HeaderAuthMode) != ""
	q.jar.read(set, r)
	if set.Headers {
		q.bearer = bearer(r)
	}
}

// IsOf reports whether r is this request, or a copy of it: a request with other
// credentials is another one, whatever its context says.
func (q *Request) IsOf(r *http.Request) bool {
	for _, name := range [...]string{"Cookie", "Authorization"} {
		if !slices.Equal(q.http.Header[name], r.Header[name]) {
			return false
		}
	}
	return true
}

// AccessToken returns the bearer token if it has the form of an access token,
// else the cookies that may hold one, in the order in which the client sent
// them.
func (q *Request) AccessToken() (bearer string, cookies []Candidate) {
	if q.bearer != "" && token.LooksLikeAccess(q.bearer) {
		return q.bearer, nil
	}
	return "", q.jar.access
}

// RefreshToken is AccessToken for refresh tokens. Gateways add bearer tokens of
// their own.
func (q *Request) RefreshToken() (bearer string, cookies []Candidate) {
	if q.bearer != "" && token.LooksLikeRefresh(q.bearer) {
		return q.bearer, nil
	}
	return "", q.jar.refresh
}

// ForeignBearer is the bearer token that has no form of ours, or empty.
func (q *Request) ForeignBearer() string {
	if q.bearer == "" || looksLikeOurs(q.bearer) {
		return ""
	}
	return q.bearer
}

// AccessCookies are the cookies that may hold an access token, whatever the
// header says.
func (q *Request) AccessCookies() []Candidate { return q.jar.access }

// HasIDRefresh reports whether the cookie sIdRefreshToken came, empty or not.
func (q *Request) HasIDRefresh() bool { return q.jar.idRefresh > 0 }

// Device is the device cookie, or empty.
func (q *Request) Device() string { return q.jar.device }

// Cut reports whether there were more cookies than are read: what seems to be
// missing may only not have been seen.
func (q *Request) Cut() bool { return q.jar.cut }

// HasDuplicates reports whether several differing cookies of one kind came.
func (q *Request) HasDuplicates() bool {
	return len(q.jar.access) > 1 || len(q.jar.refresh) > 1 || q.jar.idRefresh > 1
}

// CarrierForNew is where a new session's tokens go: as the client asks by
// st-auth-mode, else cookies, because front ends before 16 never ask.
func (q *Request) CarrierForNew() Carrier {
	switch {
	case !q.set.Headers:
		return ByCookie
	case !q.set.Cookies:
		return ByHeader
	case strings.EqualFold(q.http.Header.Get(HeaderAuthMode), "header"):
		return ByHeader
	default:
		return ByCookie
	}
}

// carries reports whether the request came with a token of ours by this
// carrier.
func (q *Request) carries(by Carrier) bool {
	if by == ByHeader {
		return q.bearer != "" && looksLikeOurs(q.bearer)
	}
	return len(q.jar.access) > 0 || len(q.jar.refresh) > 0 || q.jar.idRefresh > 0 && q.sendsIDCookies()
}

func (q *Request) sendsIDCookies() bool {
	return q.set.IDRefreshCookie != Off || q.set.IDRefreshMigrates
}
