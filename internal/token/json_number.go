package token

import (
	"strconv"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// number reads a number by the grammar and returns its text.
func (s *scanner) number() (string, error) {
	s.peek()
	start := s.pos
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return "", errors.ErrValueNotJSON
	}
	if s.skip('.') && !s.digits() {
		return "", errors.ErrValueNotJSON
	}
	if s.skip('e') || s.skip('E') {
		if !s.skip('+') {
			s.skip('-')
		}
		if !s.digits() {
			return "", errors.ErrValueNotJSON
		}
	}
	return s.data[start:s.pos], nil
}

// skip skips c if it comes next.
func (s *scanner) skip(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// digits skips decimal digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// natural reads an integer from 0 to most, written without sign, fraction and
// exponent, so that no parser can round it.
func (s *scanner) natural(most int64) (int64, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text[0] == '-' || n > most {
		return 0, errors.ErrValueNotJSON
	}
	return n, nil
}
