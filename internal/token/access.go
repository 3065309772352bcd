package token

import (
	"cmp"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/models"
)

// MaxAccessLen is the longest access token in bytes: what browsers keep of a
// cookie, name and attributes not counted.
const MaxAccessLen = 4096

// The years up to 9999, in seconds and milliseconds. Within them, arithmetic
// on times cannot overflow.
const (
	maxSeconds = 253402300799
	maxMillis  = maxSeconds*1000 + 999
)

// Access holds the claims of an access token (RFC 7519; RFC 9068 for the
// type). It shows none of its fields, under every fmt verb, in JSON and in
// slog.
type Access struct {
	redact.As[accessText]

	// KeyID names the key that signs the token.
	KeyID string
	// AsJWT gives a token that a pair signs the type JWT instead of at+jwt.
	AsJWT bool
	// Issuer and Audience say who made the token for whom: iss, aud. The audience is the
	// issuing service itself.
	Issuer, Audience string
	// Others are further audiences, fewer than MaxAudiences. None is the usual case.
	Others []string
	// UserID is the application's, 1 to models.MaxUserID bytes of UTF-8,
	// byte-exact: sub.
	UserID string
	// Handle names the session: sid.
	Handle string
	// ID names the token: jti. Sign fills it when it is empty.
	ID string
	// IssuedAt, ExpiresAt and AuthTime, the last proof of identity, are in seconds
	// since 1970: iat, exp, auth_time.
	IssuedAt, ExpiresAt, AuthTime int64
	// Start is when the session began, in seconds since 1970; 0 = at AuthTime: sat.
	Start int64
	// AMR says how the user proved who it is, words of RFC 8176 between blanks: amr.
	// Empty is an absent claim.
	AMR string
	// Level is how sure the application is of it: acr. 0 is an absent claim.
	Level int
	// Idle is how long the session lives without use, in seconds: idl. 0, an absent
	// claim, is as configured.
	Idle int64
	// Until is the session's absolute end, in seconds since 1970, where that is another
	// than the configuration gives it: sxp. 0 is an absent claim.
	Until int64
	// Flags are the session's but for those of one that waits: flg. 0 is an absent claim.
	Flags models.SessionFlags
	// Replaces is the handle of the session that ends when this token is used first:
	// rep. Empty is an absent claim.
	Replaces string
	// Gen is the generation of the refresh token that was made together with this one:
	// gen. It orders the tokens of one session.
	Gen int64
	// Parent is the double hash of the refresh token before that one: prt2. Zero is an
	// absent claim, of a token that waits for nothing.
	Parent models.Hash
	// Refresh is the double hash of the refresh token itself, and RefreshIssuedAt its
	// time in milliseconds: rt2, rti. Only a promotion reads them: they are there
	// exactly where Parent is, and else zero.
	Refresh         models.Hash
	RefreshIssuedAt int64
	// AntiCSRF is the hash of the anti-CSRF token: acs. Zero is an absent
	// claim.
	AntiCSRF CSRFHash
	// Payload is the application's JSON value, its text kept as it is: pl. As a
	// claim of its own it cannot shadow the others. Nil is an absent claim; the
	// value null stays null.
	Payload json.RawMessage
}

// check demands what every access token has. It is the same for signing and
// for parsing, so that nothing is signed that would not be read again.
func (a *Access) check() error {
	switch {
	case a.UserID == "" || len(a.UserID) > models.MaxUserID || !utf8.ValidString(a.UserID):
		return errors.ErrUserIDInvalid
	case a.Issuer == "" || !validAudiences(a.Audience, a.Others) || a.ID == "" || !ValidHandle(a.Handle),
		!utf8.ValidString(a.Issuer) || !utf8.ValidString(a.ID),
		outside(a.IssuedAt, maxSeconds) || outside(a.ExpiresAt, maxSeconds) || outside(a.AuthTime, maxSeconds),
		outside(a.Gen, models.MaxGeneration) || outside(a.RefreshIssuedAt, maxMillis),
		outside(a.Start, maxSeconds) || outside(a.Idle, maxSeconds) || outside(a.Until, maxSeconds),
		outside(int64(a.Level), models.MaxLevel) || outside(int64(a.Flags), maxFlags),
		a.AMR != "" && !ValidAMR(a.AMR), a.Replaces != "" && !ValidHandle(a.Replaces),
		a.Refresh.IsZero() != a.Parent.IsZero(), a.Parent.IsZero() && a.RefreshIssuedAt != 0:
		return errors.ErrTokenMalformed
	}
	return nil
}

// maxFlags is what the column holds.
const maxFlags = 1<<31 - 1

// ValidAMR reports whether s is a list of words between single blanks, none of which
// needs to be escaped anywhere.
func ValidAMR(s string) bool {
	for word := range strings.SplitSeq(s, " ") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !isWordRune(r) }) {
			return false
		}
	}
	return len(s) <= models.MaxAMR
}

func isWordRune(r rune) bool {
	return r == '_' || r == '-' || r == '.' || r == ':' ||
		'0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

// ForBrowserOnly reports whether the browser is to forget the tokens when it is
// closed.
func (a *Access) ForBrowserOnly() bool { return a.Flags.Has(models.FlagBrowserSession) }

// SessionStart is when the session began, in seconds since 1970.
func (a *Access) SessionStart() int64 { return cmp.Or(a.Start, a.AuthTime) }

// Promoted takes away what only a promotion reads.
func (a *Access) Promoted() {
	a.Parent, a.Refresh, a.RefreshIssuedAt = models.Hash{}, models.Hash{}, 0
}

func outside(n, most int64) bool { return n < 0 || n > most }

type accessText struct{}

func (accessText) String() string { return "[access token]" }
