package token

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// missing marks integer claims that were not seen; it is out of every range.
const missing = -1

// claimNames are the names that mean something to us.
var claimNames = [...]string{
	"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "auth_time",
	"gen", "rti", "rt2", "prt2", "acs", "pl", "sat", "amr", "acr", "idl", "sxp", "flg", "rep", "client_id",
}

// Reserved reports whether a payload object must not use the name: it is one of the
// registered claims of RFC 7519, section 4.1, or of our own that front ends see beside
// the payload.
func Reserved(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid":
		return true
	default:
		return false
	}
}

// parseClaims reads the claims of an authentic token, whose texts are parts of
// data. Claims of other names are checked for syntax and skipped, so that a
// later version of the kit may add some while this one runs beside it. public is
// whether a pair signed them, which makes it an access token of RFC 9068: then
// there is a client_id, which is the first audience.
func parseClaims(data string, public bool) (a *Access, notBefore int64, err error) {
	s, err := newScanner(data, MaxPayloadDepth+1)
	if err != nil {
		return nil, 0, err
	}
	a = &Access{IssuedAt: missing, ExpiresAt: missing, AuthTime: missing, Gen: missing, RefreshIssuedAt: missing}
	notBefore, proof, client := int64(missing), 0, ""
	err = s.object(func(name string) (err error) {
		switch {
		case name == "nbf":
			notBefore, err = s.natural(maxSeconds)
		case name == "acs":
			proof, err = s.proofTo(&a.AntiCSRF)
		case name == "client_id" && public:
			client, err = s.text()
		default:
			err = a.parseClaim(&s, name)
		}
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if err := s.end(); err != nil {
		return nil, 0, err
	}
	if public && client != a.Audience {
		return nil, 0, errors.ErrTokenMalformed
	}
	if notBefore == missing {
		notBefore = a.IssuedAt
		err = a.finish(proof)
	} else {
		err = a.finishOlder(proof)
	}
	return a, notBefore, cmp.Or(err, a.check())
}

// finish demands what check cannot see in the fields: nothing has a second form. proof
// is the size of acs in bytes, or 0.
func (a *Access) finish(proof int) error {
	if proof == 2*len(a.AntiCSRF) || a.Refresh.IsZero() != (a.RefreshIssuedAt == missing) {
		return errors.ErrTokenMalformed
	}
	a.RefreshIssuedAt = max(a.RefreshIssuedAt, 0)
	return nil
}

// finishOlder is finish for the form that was made before this one, and is read until
// the first release: nbf tells it. It has the whole hash of the anti-CSRF token, and
// says which refresh token it came with in promoted tokens too.
func (a *Access) finishOlder(proof int) error {
	if proof == len(a.AntiCSRF) || a.Refresh.IsZero() || a.RefreshIssuedAt == missing {
		return errors.ErrTokenMalformed
	}
	if a.Parent.IsZero() {
		a.Promoted()
	}
	return nil
}

// parseClaim reads the value of one claim into its field.
func (a *Access) parseClaim(s *scanner, name string) (err error) {
	switch name {
	case "iss":
		a.Issuer, err = s.text()
	case "aud":
		err = s.audiencesTo(a)
	case "sub":
		a.UserID, err = s.text()
	case "sid":
		a.Handle, err = s.text()
	case "jti":
		a.ID, err = s.text()
	case "iat":
		a.IssuedAt, err = s.natural(maxSeconds)
	case "exp":
		a.ExpiresAt, err = s.natural(maxSeconds)
	case "auth_time":
		a.AuthTime, err = s.natural(maxSeconds)
	case "gen":
		a.Gen, err = s.natural(models.MaxGeneration)
	case "rti":
		a.RefreshIssuedAt, err = s.natural(maxMillis)
	case "rt2":
		err = s.hashTo((*[32]byte)(&a.Refresh))
	case "prt2":
		err = s.hashTo((*[32]byte)(&a.Parent))
	case "pl":
		err = s.rawTo(&a.Payload)
	default:
		err = a.parseRareClaim(s, name)
	}
	return err
}

// parseRareClaim reads those that most tokens do not have.
func (a *Access) parseRareClaim(s *scanner, name string) (err error) {
	var n int64
	switch name {
	case "sat":
		a.Start, err = s.positive(maxSeconds)
	case "amr":
		a.AMR, err = s.words()
	case "acr":
		a.Level, err = s.level()
	case "idl":
		a.Idle, err = s.positive(maxSeconds)
	case "sxp":
		a.Until, err = s.positive(maxSeconds)
	case "flg":
		n, err = s.positive(maxFlags)
		a.Flags = models.SessionFlags(n)
	case "rep":
		if a.Replaces, err = s.text(); err == nil && !ValidHandle(a.Replaces) {
			err = errors.ErrTokenMalformed
		}
	default:
		err = s.unknownClaim(name)
	}
	return err
}

// positive reads a number whose zero is the absent claim and has no second form.
func (s *scanner) positive(most int64) (int64, error) {
	n, err := s.natural(most)
	if err == nil && n == 0 {
		err = errors.ErrTokenMalformed
	}
	return n, err
}

// words reads an array of words: none of them is empty or holds a blank, and there is
// one at least.
func (s *scanner) words() (string, error) {
	var words []string
	err := s.array(func() error {
		word, err := s.text()
		if err == nil && (strings.Contains(word, " ") || !ValidAMR(word)) {
			err = errors.ErrTokenMalformed
		}
		words = append(words, word)
		return err
	})
	if err == nil && len(words) == 0 {
		err = errors.ErrTokenMalformed
	}
	return strings.Join(words, " "), err
}

// level reads a digit in a text: acr is a text (OpenID Connect Core 1.0, section 2).
func (s *scanner) level() (int, error) {
	text, err := s.text()
	if err == nil && (len(text) != 1 || text[0] < '1' || text[0] > '0'+models.MaxLevel) {
		err = errors.ErrTokenMalformed
	}
	if err != nil {
		return 0, err
	}
	return int(text[0] - '0'), nil
}

// unknownClaim skips a claim, unless its name is one of ours in other case: a
// parser that ignores case, as encoding/json does, would take it for ours.
func (s *scanner) unknownClaim(name string) error {
	for _, ours := range claimNames {
		if strings.EqualFold(ours, name) {
			return errors.ErrTokenMalformed
		}
	}
	return s.value()
}

// rawTo copies the text of a value of any kind.
func (s *scanner) rawTo(field *json.RawMessage) error {
	text, err := s.raw()
	*field = json.RawMessage(text)
	return err
}

// proofTo reads the first 16 of 16 or 32 bytes, and returns how many there were.
func (s *scanner) proofTo(field *CSRFHash) (size int, err error) {
	text, err := s.text()
	if err != nil {
		return 0, err
	}
	var buf [2 * len(field)]byte
	short := base64.RawURLEncoding.EncodedLen(len(field))
	if len(text) != short && len(text) != base64.RawURLEncoding.EncodedLen(len(buf)) {
		return 0, errors.ErrTokenMalformed
	}
	hash, ok := decodeBase64(buf[:0], text)
	if !ok {
		return 0, errors.ErrTokenMalformed
	}
	if *field = CSRFHash(hash[:len(field)]); field.IsZero() {
		return 0, errors.ErrTokenMalformed
	}
	return len(hash), nil
}

// hashTo reads 32 bytes. All zero is the absent claim and has no second form.
func (s *scanner) hashTo(field *[32]byte) error {
	text, err := s.text()
	if err != nil {
		return err
	}
	hash, ok := decode32(text)
	if !ok || hash == [32]byte{} {
		return errors.ErrTokenMalformed
	}
	*field = hash
	return nil
}
