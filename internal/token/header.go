package token

import "github.com/gin-sessionkit/sessionkit/errors"

// The types of access tokens, which keep them apart from every other JWT (RFC
// 8725, section 3.11): accessType also from those that an application signs with
// the same key. Tokens that other services verify have publicType (RFC 9068,
// section 2.1), or jwtType for verifiers that take nothing else; no other JWT has
// their keys.
const (
	accessType = "sessionkit+jwt"
	publicType = "at+jwt"
	jwtType    = "JWT"
)

// maxHeaderLen bounds what is decoded before any check of authenticity; ours
// have at most 104 characters.
const maxHeaderLen = 256

// form is a header of ours: start and end with the key id between.
type form struct {
	algorithm  Algorithm
	start, end string
	jwt        bool // of jwtType
}

// forms are all headers that there are. A pair has two, of which the
// configuration chooses one to write: both are read, so that a change of it makes
// no token invalid.
//
// RFC 9864 gives Ed25519 its own name and deprecates EdDSA. But of the verifiers
// that were asked, jose 6.2 takes both, and PyJWT 2.6 and golang-jwt 5.3 take EdDSA
// alone.
var forms = [...]form{
	{HS256, `{"alg":"HS256","kid":"`, `","typ":"` + accessType + `"}`, false},
	{ES256, `{"alg":"ES256","kid":"`, `","typ":"` + publicType + `"}`, false},
	{ES256, `{"alg":"ES256","kid":"`, `","typ":"` + jwtType + `"}`, true},
	{Ed25519, `{"alg":"EdDSA","kid":"`, `","typ":"` + publicType + `"}`, false},
	{Ed25519, `{"alg":"EdDSA","kid":"`, `","typ":"` + jwtType + `"}`, true},
	{RS256, `{"alg":"RS256","kid":"`, `","typ":"` + publicType + `"}`, false},
	{RS256, `{"alg":"RS256","kid":"`, `","typ":"` + jwtType + `"}`, true},
}

// appendHeader appends the header of a token that a key of algorithm a signs, of
// jwtType if that is asked for and there is a choice.
func appendHeader(b []byte, a Algorithm, kid string, asJWT bool) []byte {
	for _, f := range forms {
		if f.algorithm == a && f.jwt == (asJWT && a.Public()) {
			return append(append(append(b, f.start...), kid...), f.end...)
		}
	}
	return b
}

// parseHeader checks the header segment of an access token and returns the key
// id, and the form. The header is compared rather than parsed: exactly what we
// write is ours. So no sender has a say in how the token is verified (by jwk, jku,
// x5u, x5c, crit, b64, zip), and no two parsers can read it differently. The form
// names an algorithm, which is worth nothing before the key says the same. Errors:
// ErrTokenMalformed, and ErrTokenForeign for the header of another kind of token.
func parseHeader(segment string) (kid string, f *form, err error) {
	if len(segment) > maxHeaderLen {
		return "", nil, errors.ErrTokenMalformed
	}
	var buf [maxHeaderLen]byte
	header, ok := decodeBase64(buf[:0], segment)
	if !ok {
		return "", nil, errors.ErrTokenMalformed
	}
	for i := range forms {
		id, ok := forms[i].cut(header)
		switch {
		case !ok:
		case !ValidKeyID(string(id)):
			return "", nil, errors.ErrTokenMalformed
		default:
			return string(id), &forms[i], nil
		}
	}
	return "", nil, errors.ErrTokenForeign
}

// cut returns what is between start and end.
func (f *form) cut(header []byte) (id []byte, ok bool) {
	end := len(header) - len(f.end)
	if end < len(f.start) || string(header[:len(f.start)]) != f.start || string(header[end:]) != f.end {
		return nil, false
	}
	return header[len(f.start):end], true
}
