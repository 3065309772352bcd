package gormstore

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Sizes of the columns, in bytes but for the user agent and the label, whose columns
// count characters. They are checked here, because a server with an empty sql_mode
// cuts values off without a word, and would store half a payload.
const (
	maxHandle    = 64
	maxBlob      = 1<<24 - 1 // MEDIUMBLOB
	maxReason    = 32
	maxUserAgent = 255
	maxIP        = 45 // the longest text of an IPv6 address
	maxHintKind  = 8
	maxKeyID     = 32
	maxKeyWord   = 32
	maxSecret    = 1<<16 - 1 // BLOB
)

// checkRow reports, as [errors.ErrInvalidInput], the first value of row that
// its column would not hold as it is. The text names columns, not values.
func checkRow(row *models.Session) error {
	return checkLimits([]limit{
		// Columns of bytes take any character. The others are for short words,
		// and some engines have declared them to be ASCII.
		{"handle", 1, maxHandle, len(row.Handle), true},
		{"user_id", 1, models.MaxUserID, len(row.UserID), true},
		{"payload", 0, maxBlob, len(row.Payload), true},
		{"data", 0, maxBlob, len(row.Data), true},
		{"revoke_reason", 0, maxReason, len(row.RevokeReason), ascii(string(row.RevokeReason))},
		{"user_agent", 0, maxUserAgent, utf8.RuneCountInString(row.UserAgent), utf8.ValidString(row.UserAgent)},
		{"ip", 0, maxIP, len(row.IP), ascii(row.IP)},
		labelLimit(row.Label),
		{"amr", 0, models.MaxAMR, len(row.AMR), ascii(row.AMR)},
		levelLimit(row.Level),
		{"flags", 0, math.MaxInt32, int(row.Flags), true},
		{"origin", 0, maxHandle, len(row.Origin), true},
	})
}

func levelLimit(level int) limit { return limit{"aal", 0, models.MaxLevel, level, true} }

// labelLimit refuses zero bytes everywhere, as PostgreSQL's texts hold none.
func labelLimit(label string) limit {
	valid := utf8.ValidString(label) && !strings.ContainsRune(label, 0)
	return limit{"label", 0, models.MaxLabel, utf8.RuneCountInString(label), valid}
}

// checkHint is checkRow for a row of the feed.
func checkHint(h *models.Hint) error {
	return checkLimits([]limit{
		{"kind", 1, maxHintKind, len(h.Kind), ascii(string(h.Kind))},
		{"subject", 0, models.MaxUserID, len(h.Subject), true},
		{"owner", 0, models.MaxUserID, len(h.Owner), true},
	})
}

// checkKey is checkRow for a signing key.
func checkKey(key *models.SigningKey) error {
	return checkLimits([]limit{
		{"id", 1, maxKeyID, len(key.ID), ascii(key.ID)},
		{"purpose", 1, maxKeyWord, len(key.Purpose), ascii(string(key.Purpose))},
		{"algorithm", 0, maxKeyWord, len(key.Algorithm), ascii(key.Algorithm)},
		secretLimit(key.Secret),
	})
}

// secretLimit is that of a key's secret, sealed or not.
func secretLimit(secret []byte) limit { return limit{"secret", 1, maxSecret, len(secret), true} }

// limit is what a column holds, and what it is given.
type limit struct {
	column string
	// min and max are what it holds, size is what it is given.
	min, max int
	size     int
	// valid says that the column holds all of the characters.
	valid bool
}

// checkLimits reports the first value that its column would not hold.
func checkLimits(limits []limit) error {
	for _, l := range limits {
		switch {
		case l.size > l.max:
			return refused(fmt.Errorf("%w: %s of %d, at most %d fit", errors.ErrValueTooLarge, l.column, l.size, l.max))
		case l.size < l.min:
			return refused(fmt.Errorf("%s of %d, at least %d", l.column, l.size, l.min))
		case !l.valid:
			return refused(fmt.Errorf("%s holds characters that its column does not", l.column))
		}
	}
	return nil
}

// refused is an [errors.ErrInvalidInput]: the caller's value is at fault.
func refused(reason error) error { return errors.WithReason(errors.ErrInvalidInput, reason) }

// ascii reports whether s is plain ASCII without control characters.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// asciiOf is s without all that is not plain ASCII.
func asciiOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}
