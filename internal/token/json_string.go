package token

import (
	"encoding/json"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// text reads a string and undoes its escapes.
func (s *scanner) text() (string, error) {
	literal, escaped, err := s.stringLiteral()
	if err != nil {
		return "", err
	}
	if !escaped {
		return literal[1 : len(literal)-1], nil
	}
	var text string // rare, so the library may do it
	if err := json.Unmarshal([]byte(literal), &text); err != nil {
		return "", errors.ErrValueNotJSON
	}
	return text, nil
}

// stringLiteral reads a string and returns it with its quotes.
func (s *scanner) stringLiteral() (literal string, escaped bool, err error) {
	if err := s.expect('"'); err != nil {
		return "", false, err
	}
	start := s.pos - 1
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], escaped, nil
		case c < ' ':
			return "", false, errors.ErrValueNotJSON
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return "", false, err
			}
		default:
			s.pos++
		}
	}
	return "", false, errors.ErrValueNotJSON
}

// escape skips one escape sequence. Half a surrogate pair is refused: parsers
// disagree on it, and two differing ones would become the same name.
func (s *scanner) escape() error {
	rest := s.data[s.pos:]
	if len(rest) < 2 {
		return errors.ErrValueNotJSON
	}
	if rest[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, rest[1]) < 0 {
			return errors.ErrValueNotJSON
		}
		s.pos += 2
		return nil
	}
	unit, ok := hexUnit(rest)
	if !ok || (unit >= 0xDC00 && unit <= 0xDFFF) {
		return errors.ErrValueNotJSON
	}
	s.pos += 6
	if unit < 0xD800 || unit > 0xDBFF {
		return nil
	}
	low, ok := hexUnit(rest[6:])
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return errors.ErrValueNotJSON
	}
	s.pos += 6
	return nil
}

// hexUnit reads the UTF-16 unit of an escape like \u0041.
func hexUnit(text string) (unit uint64, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for i := range 4 {
		digit, known := hexDigit(text[2+i])
		if !known {
			return 0, false
		}
		unit = unit<<4 | digit
	}
	return unit, true
}

func hexDigit(c byte) (digit uint64, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}
