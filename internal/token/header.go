package token

import (
	"github.com/golang-jwt/jwt/v5"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// accessType keeps access tokens apart from every other JWT, also from those
// that an application signs with the same key (RFC 8725, section 3.11).
const accessType = "sessionkit+jwt"

// maxHeaderLen bounds what is decoded before any check of authenticity; ours
// have at most 104 characters.
const maxHeaderLen = 256

// accessMethod is the one algorithm. The header can only agree with it, never
// choose (RFC 8725, section 3.1).
var accessMethod = jwt.SigningMethodHS256

// appendHeader appends the header of a token signed with the key kid.
func appendHeader(b []byte, kid string) []byte {
	b = append(b, `{"alg":"HS256","kid":"`...)
	b = append(b, kid...)
	return append(b, `","typ":"`+accessType+`"}`...)
}

// parseHeader reads the header segment of an access token and returns the key
// id. It must hold exactly alg, kid and typ: whatever else it might hold (jwk,
// jku, x5u, x5c, crit, b64, zip) would have the sender decide how it is
// verified. Errors: ErrTokenMalformed, and ErrTokenForeign for the header of
// another kind of token.
func parseHeader(segment string) (kid string, err error) {
	if len(segment) > maxHeaderLen {
		return "", errors.ErrTokenMalformed
	}
	var buf [maxHeaderLen]byte
	data, ok := decodeBase64(buf[:0], segment)
	if !ok {
		return "", errors.ErrTokenMalformed
	}
	var alg, typ string
	foreign := false
	s, err := newScanner(data, 1)
	if err != nil {
		return "", errors.ErrTokenMalformed
	}
	err = s.object(func(name []byte) error {
		field := &alg
		switch string(name) {
		case "alg":
		case "kid":
			field = &kid
		case "typ":
			field = &typ
		default:
			foreign = true
			return errors.ErrTokenForeign // before anything of it is read
		}
		text, err := s.text()
		*field = string(text)
		return err
	})
	switch {
	case foreign:
		return "", errors.ErrTokenForeign
	case err != nil || s.end() != nil:
		return "", errors.ErrTokenMalformed
	case alg != accessMethod.Alg() || typ != accessType || kid == "":
		return "", errors.ErrTokenForeign
	case !ValidKeyID(kid):
		return "", errors.ErrTokenMalformed
	}
	return kid, nil
}
