package token

import (
	"slices"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// MaxAudiences is how many services one token can be for. Each makes it longer.
const MaxAudiences = 8

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
