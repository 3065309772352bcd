package token

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Sign makes the text of the token by the algorithm of k, setting KeyID, and ID
// when that is empty.
//
// Errors: [errors.ErrUserIDInvalid]; [errors.ErrValueNotJSON] and
// [errors.ErrValueTooDeep] for the payload; [errors.ErrCookieTooLarge] beyond
// [MaxAccessLen]; [errors.ErrKeyUnknown] for a malformed key;
// [errors.ErrTokenMalformed] for any other claim that is missing or out of
// range.
func (a *Access) Sign(k Key) (string, error) {
	if !k.usable() {
		return "", errors.ErrKeyUnknown
	}
	if a.ID == "" {
		a.ID = newID()
	}
	if err := a.check(); err != nil {
		return "", err
	}
	if len(a.Payload) > MaxAccessLen {
		return "", errors.ErrCookieTooLarge
	}
	if len(a.Payload) > 0 {
		if err := CheckPayload(a.Payload); err != nil {
			return "", err
		}
	}
	a.KeyID = k.ID
	// Room for a usual token, so that nothing grows: with a user id of 36
	// characters it has 614 bytes before its first use, with 300 bytes of payload
	// 1,022, of which the claims take 367 and 673 before they are encoded.
	alg := k.Algorithm()
	b := base64.RawURLEncoding.AppendEncode(make([]byte, 0, 1536), appendHeader(nil, alg, k.ID, a.AsJWT))
	b = append(b, '.')
	b = base64.RawURLEncoding.AppendEncode(b, a.appendClaims(make([]byte, 0, 1024), alg.Public()))
	signature, err := k.sign(string(b))
	if err != nil {
		return "", errors.ErrKeyUnknown
	}
	b = base64.RawURLEncoding.AppendEncode(append(b, '.'), signature)
	if len(b) > MaxAccessLen {
		return "", errors.ErrCookieTooLarge
	}
	return string(b), nil
}

// Lengthen sets all claims to the longest values that they can have, but for
// the texts that the application chose and for what a session keeps: Start, AMR,
// Level, Idle, Until, Flags and Replaces. It returns the length of the token that
// they make: no later token of the session is longer, whatever key of that
// algorithm signs it. Such a token is good for its size only.
func (a *Access) Lengthen(signed Algorithm) int {
	const seconds, millis = 9_999_999_999, 9_999_999_999_999 // until the year 2286
	full := models.Hash{0: 1}
	a.KeyID, a.ID = strings.Repeat("k", maxKeyIDLen), newID()
	a.IssuedAt, a.ExpiresAt, a.AuthTime, a.RefreshIssuedAt = seconds, seconds, seconds, millis
	a.Gen, a.Refresh, a.Parent, a.AntiCSRF = models.MaxGeneration, full, full, CSRFHash{0: 1}

	encoded := base64.RawURLEncoding.EncodedLen
	header, claims := appendHeader(nil, signed, a.KeyID, false), a.appendClaims(nil, signed.Public())
	return encoded(len(header)) + 1 + encoded(len(claims)) + 1 + encoded(signed.signatureSize())
}

// appendClaims appends the claims as a JSON object. Names are constants and the
// payload has been checked, so that nothing can break out of its place. RFC 9068,
// section 2.2, demands the client_id of what other services verify. The client is
// the application's own front end, and has no other name.
func (a *Access) appendClaims(b []byte, public bool) []byte {
	b = appendText(append(b, `{"iss":`...), a.Issuer)
	b = a.appendAudiences(append(b, `,"aud":`...))
	if public {
		b = appendText(append(b, `,"client_id":`...), a.Audience)
	}
	b = appendText(append(b, `,"sub":`...), a.UserID)
	b = appendText(append(b, `,"sid":`...), a.Handle)
	b = strconv.AppendInt(append(b, `,"iat":`...), a.IssuedAt, 10)
	b = strconv.AppendInt(append(b, `,"exp":`...), a.ExpiresAt, 10)
	b = appendText(append(b, `,"jti":`...), a.ID)
	b = strconv.AppendInt(append(b, `,"auth_time":`...), a.AuthTime, 10)
	b = a.appendRareClaims(b)
	b = strconv.AppendInt(append(b, `,"gen":`...), a.Gen, 10)
	if !a.Parent.IsZero() {
		b = strconv.AppendInt(append(b, `,"rti":`...), a.RefreshIssuedAt, 10)
		b = appendBytes(append(b, `,"rt2":`...), a.Refresh[:])
		b = appendBytes(append(b, `,"prt2":`...), a.Parent[:])
	}
	if !a.AntiCSRF.IsZero() {
		b = appendBytes(append(b, `,"acs":`...), a.AntiCSRF[:])
	}
	if len(a.Payload) > 0 {
		b = append(append(b, `,"pl":`...), bytes.Trim(a.Payload, " \t\r\n")...)
	}
	return append(b, '}')
}

// appendRareClaims appends those that most tokens do not have.
func (a *Access) appendRareClaims(b []byte) []byte {
	if a.Start != 0 && a.Start != a.AuthTime {
		b = strconv.AppendInt(append(b, `,"sat":`...), a.Start, 10)
	}
	if a.AMR != "" {
		b = append(append(b, `,"amr":["`...), strings.ReplaceAll(a.AMR, " ", `","`)...)
		b = append(b, `"]`...)
	}
	if a.Level != 0 {
		b = append(b, `,"acr":"`...)
		b = append(strconv.AppendInt(b, int64(a.Level), 10), '"')
	}
	if a.Idle != 0 {
		b = strconv.AppendInt(append(b, `,"idl":`...), a.Idle, 10)
	}
	if a.Until != 0 {
		b = strconv.AppendInt(append(b, `,"sxp":`...), a.Until, 10)
	}
	if a.Flags != 0 {
		b = strconv.AppendInt(append(b, `,"flg":`...), int64(a.Flags), 10)
	}
	if a.Replaces != "" {
		b = appendText(append(b, `,"rep":`...), a.Replaces)
	}
	return b
}

// newID is 96 random bits: among 10^12 tokens two are the same with a chance of 10^-5,
// and nobody guesses one.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program rather
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func appendBytes(b, data []byte) []byte {
	b = append(b, '"')
	b = base64.RawURLEncoding.AppendEncode(b, data)
	return append(b, '"')
}

// appendText appends valid UTF-8 as a JSON string, escaping only what must be.
func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
