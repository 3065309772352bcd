package token

import (
	"bytes"

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

// The header of a token is these two with the key id between.
const (
	headerStart = `{"alg":"HS256","kid":"`
	headerEnd   = `","typ":"` + accessType + `"}`
)

// appendHeader appends the header of a token signed with the key kid.
func appendHeader(b []byte, kid string) []byte {
	return append(append(append(b, headerStart...), kid...), headerEnd...)
}

// parseHeader checks the header segment of an access token and returns the key
// id. The header is compared rather than parsed: exactly what we write is ours.
// So no sender has a say in how the token is verified (by another alg, or by
// jwk, jku, x5u, x5c, crit, b64, zip), and no two parsers can read it
// differently. Errors: ErrTokenMalformed, and ErrTokenForeign for the header of
// another kind of token.
func parseHeader(segment string) (kid string, err error) {
	if len(segment) > maxHeaderLen {
		return "", errors.ErrTokenMalformed
	}
	var buf [maxHeaderLen]byte
	header, ok := decodeBase64(buf[:0], segment)
	if !ok {
		return "", errors.ErrTokenMalformed
	}
	rest, begins := bytes.CutPrefix(header, []byte(headerStart))
	id, ends := bytes.CutSuffix(rest, []byte(headerEnd))
	switch {
	case !begins || !ends:
		return "", errors.ErrTokenForeign
	case !ValidKeyID(string(id)):
		return "", errors.ErrTokenMalformed
	}
	return string(id), nil
}
