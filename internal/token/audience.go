package token

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// MaxAudiences is how many services one token can be for. Each makes it longer.
const MaxAudiences = 8

// MaxAudienceBytes is how long the names may be together: as JSON, and the first twice,
// which is the client_id of what other services verify. Every payload leaves this room,
// so that each service of a key table can refresh what another one has written.
const MaxAudienceBytes = 256

// AudienceBytes is how long the names of a token are together.
func AudienceBytes(names []string) int {
	a := Access{Audience: names[0], Others: names[1:]}
	return len(a.appendAudiences(nil)) + len(appendText(nil, a.Audience))
}

// LongestAudiences sets audiences that take MaxAudienceBytes in a token that is signed
// by this algorithm. Such a token is good for its size only.
func (a *Access) LongestAudiences(signed Algorithm) {
	const quotes = 2
	n := MaxAudienceBytes - quotes
	if signed.Public() {
		n = MaxAudienceBytes/2 - quotes
	}
	a.Audience, a.Others = strings.Repeat("a", n), nil
}

func validAudiences(first string, others []string) bool {
	for i, name := range others {
		if name == "" || !utf8.ValidString(name) || name == first || slices.Contains(others[:i], name) {
			return false
		}
	}
	return first != "" && utf8.ValidString(first) && len(others) < MaxAudiences
}

// isForOneOf reports whether one of the token's audiences is wanted.
func (a *Access) isForOneOf(wanted []string) bool {
	for _, name := range wanted {
		if name == a.Audience || slices.Contains(a.Others, name) {
			return true
		}
	}
	return false
}

// appendAudiences appends a text where there is one, and else an array (RFC 7519,
// section 4.1.3).
func (a *Access) appendAudiences(b []byte) []byte {
	if len(a.Others) == 0 {
		return appendText(b, a.Audience)
	}
	b = appendText(append(b, '['), a.Audience)
	for _, name := range a.Others {
		b = appendText(append(b, ','), name)
	}
	return append(b, ']')
}

// audiencesTo reads what appendAudiences writes. An array of one would be a second
// form.
func (s *scanner) audiencesTo(a *Access) (err error) {
	if s.peek() != '[' {
		a.Audience, err = s.text()
		return err
	}
	n := 0
	err = s.array(func() error {
		name, err := s.text()
		switch n++; {
		case n == 1:
			a.Audience = name
		case n > MaxAudiences:
			return errors.ErrTokenMalformed
		default:
			a.Others = append(a.Others, name)
		}
		return err
	})
	if err == nil && n < 2 {
		err = errors.ErrTokenMalformed
	}
	return err
}
