package rig

import "net/http"

// Answer is the meaning of a reply.
type Answer string

// The answers of docs/protocol.md. Lost is none at all.
const (
	Lost         Answer = "lost"
	OK           Answer = "ok"
	Unauthorised Answer = "unauthorised"
	Theft        Answer = "theft"
	TryRefresh   Answer = "try refresh"
	Unavailable  Answer = "unavailable"
	Other        Answer = "other"
)

// Answer reads the reply.
func (r Reply) Answer() Answer {
	switch {
	case r.Status == 0:
		return Lost
	case r.Status == http.StatusOK:
		return OK
	case r.Status == http.StatusServiceUnavailable:
		return Unavailable
	case r.Status != http.StatusUnauthorized:
		return Other
	}
	switch r.Body {
	case `{"message":"unauthorised"}`:
		return Unauthorised
	case `{"message":"token theft detected"}`:
		return Theft
	case `{"message":"try refresh token"}`:
		return TryRefresh
	}
	return Other
}

// Over reports whether the answer says that the session is over.
func (a Answer) Over() bool { return a == Unauthorised || a == Theft }
