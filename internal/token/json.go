package token

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// MaxPayloadDepth is how deep arrays and objects of a payload may nest; a
// scalar has depth 0.
const MaxPayloadDepth = 32

// CheckPayload reports whether a token can carry raw: one JSON value (RFC 8259)
// that every parser reads alike, so without duplicate names, invalid UTF-8 or
// half surrogate pairs, which encoding/json would let pass. Numbers may have
// any size. Errors: ErrValueNotJSON, ErrValueTooDeep.
func CheckPayload(raw json.RawMessage) error {
	s, err := newScanner(string(raw), MaxPayloadDepth)
	if err != nil {
		return err
	}
	if err := s.value(); err != nil {
		return err
	}
	return s.end()
}

// scanner reads JSON strictly and without building values. Every error is
// ErrValueNotJSON or ErrValueTooDeep, which say nothing of the input. The input
// is a string because parts of a string can be handed out without a copy.
type scanner struct {
	data string
	pos  int
	room int // how many more arrays and objects may open
}

// newScanner checks what is the same for every JSON text: UTF-8 throughout.
func newScanner(data string, depth int) (scanner, error) {
	if !utf8.ValidString(data) {
		return scanner{}, errors.ErrValueNotJSON
	}
	return scanner{data: data, room: depth}, nil
}

// peek skips white space and returns the next byte, 0 at the end. A 0 in the
// input fits nothing that may follow either.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// expect skips white space and the byte c, which must come next.
func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return errors.ErrValueNotJSON
	}
	s.pos++
	return nil
}

// end demands that nothing but white space is left.
func (s *scanner) end() error {
	if s.peek(); s.pos != len(s.data) {
		return errors.ErrValueNotJSON
	}
	return nil
}

// value skips one value of any kind, checking all of it.
func (s *scanner) value() error {
	switch c := s.peek(); c {
	case '{':
		return s.object(func(string) error { return s.value() })
	case '[':
		return s.array(s.value)
	case '"':
		_, _, err := s.stringLiteral()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		_, err := s.number()
		return err
	}
}

// raw returns the text of the next value of any kind.
func (s *scanner) raw() (string, error) {
	s.peek()
	start := s.pos
	err := s.value()
	return s.data[start:s.pos], err
}

// object reads an object, calling member at each value. No two names may be
// equal once their escapes are undone.
func (s *scanner) object(member func(name string) error) error {
	if err := s.open('{'); err != nil {
		return err
	}
	names := make([]string, 0, fewNames) // on the stack until there are more
	for s.peek() != '}' {
		if len(names) > 0 {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		name, err := s.text()
		if err != nil {
			return err
		}
		names = append(names, name)
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	s.close()
	if !distinct(names) {
		return errors.ErrValueNotJSON
	}
	return nil
}

// array reads an array, calling element at each value.
func (s *scanner) array(element func() error) error {
	if err := s.open('['); err != nil {
		return err
	}
	for n := 0; s.peek() != ']'; n++ {
		if n > 0 {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		if err := element(); err != nil {
			return err
		}
	}
	s.close()
	return nil
}

func (s *scanner) open(c byte) error {
	if err := s.expect(c); err != nil {
		return err
	}
	if s.room == 0 {
		return errors.ErrValueTooDeep
	}
	s.room--
	return nil
}

func (s *scanner) close() {
	s.pos++
	s.room++
}

// fewNames is how many names an object of ours has at most: its claims.
const fewNames = 24

// distinct reports whether all names differ. Few are compared each with each,
// which costs least as most differ in length already; many are sorted.
func distinct(names []string) bool {
	if len(names) > fewNames {
		slices.Sort(names)
		return len(slices.Compact(names)) == len(names)
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return false
		}
	}
	return true
}

func (s *scanner) literal(word string) error {
	if !strings.HasPrefix(s.data[s.pos:], word) {
		return errors.ErrValueNotJSON
	}
	s.pos += len(word)
	return nil
}
