package gormstore

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Sizes of the columns, in bytes but for the user agent, whose column counts
// characters. They are checked here, because a server with an empty
// sql_mode cuts values off without a word.
const (
	maxHandle    = 64
	maxBlob      = 1<<24 - 1
	maxReason    = 32
	maxUserAgent = 255
	maxIP        = 45
	maxKeyID     = 32
	maxKeyWord   = 32
	maxSecret    = 1<<16 - 1
)

// fits reports, as errors.ErrInvalidInput, the first value of row that its
// column would not hold as it is. The text names columns, not values.
func fits(row *models.Session) error {
	return firstMisfit([]limit{
		{"handle", 1, maxHandle, len(row.Handle), true},
		{"user_id", 1, models.MaxUserID, len(row.UserID), true},
		{"payload", 0, maxBlob, len(row.Payload), true},
		{"data", 0, maxBlob, len(row.Data), true},
		{"revoke_reason", 0, maxReason, len(row.RevokeReason), ascii(string(row.RevokeReason))},
		{"user_agent", 0, maxUserAgent, utf8.RuneCountInString(row.UserAgent), utf8.ValidString(row.UserAgent)},
		{"ip", 0, maxIP, len(row.IP), ascii(row.IP)},
	})
}

// keyFits is fits for a signing key.
func keyFits(key *models.SigningKey) error {
	return firstMisfit([]limit{
		{"id", 1, maxKeyID, len(key.ID), ascii(key.ID)},
		{"purpose", 1, maxKeyWord, len(key.Purpose), ascii(string(key.Purpose))},
		{"algorithm", 0, maxKeyWord, len(key.Algorithm), ascii(key.Algorithm)},
		secretLimit(key.Secret),
	})
}

// secretLimit is that of a key's secret in whatever form.
func secretLimit(secret []byte) limit { return limit{"secret", 1, maxSecret, len(secret), true} }

// limit is what a column holds, and what it is given.
type limit struct {
	column   string
	min, max int
	size     int
	valid    bool // the characters
}

func firstMisfit(limits []limit) error {
	for _, l := range limits {
		switch {
		case l.size > l.max:
			return misfit(fmt.Errorf("%w: %s of %d, at most %d fit", errors.ErrValueTooLarge, l.column, l.size, l.max))
		case l.size < l.min:
			return misfit(fmt.Errorf("%s is empty", l.column))
		case !l.valid:
			return misfit(fmt.Errorf("%s holds characters that its column does not", l.column))
		}
	}
	return nil
}

func misfit(reason error) error { return errors.WithReason(errors.ErrInvalidInput, reason) }

// ascii reports whether s is plain ASCII without control characters.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// asciiOf is what is left of s when all but plain ASCII is left out.
func asciiOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}
