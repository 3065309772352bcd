package token

import (
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// clockSkew is how far the clocks of application servers may lie apart: a
// token that one of them has just issued must work at all others. The text of
// ErrTokenFromFuture names it.
const clockSkew = 60_000 // ms

// Expect is what an access token is held against.
type Expect struct {
	// Issuer must be the token's own, exactly. An empty one fits no token.
	Issuer string
	// Audiences are those of which the token must have one, exactly. None fit no token.
	Audiences []string
	// Now is in milliseconds since 1970.
	Now int64
	// Leeway extends the validity at its end, in whole milliseconds. Negative
	// counts as zero.
	Leeway time.Duration
}

// ParseAccess verifies text and returns its claims. A token is valid while now
// < exp + leeway; iat and nbf may lie in the future by the leeway and the clock
// skew between servers.
//
// Errors: [errors.ErrTokenMalformed]; the error of keys, unchanged;
// [errors.ErrTokenForged]; [errors.ErrTokenForeign] for another type,
// algorithm, issuer or audience; [errors.ErrTokenFromFuture];
// [errors.ErrTokenExpired].
func ParseAccess(text string, keys Keys, want Expect) (*Access, error) {
	v, err := authenticate(text, keys)
	if err != nil {
		return nil, err
	}
	if err := v.check(want); err != nil {
		return nil, err
	}
	return v.access, nil
}

// check holds an authentic token against what is wanted now.
func (v verified) check(want Expect) error {
	if !v.isFor(want.Issuer, want.Audiences) {
		return errors.ErrTokenForeign
	}
	leeway := max(want.Leeway, 0).Milliseconds()
	if max(v.access.IssuedAt, v.notBefore)*1000 > want.Now+leeway+clockSkew {
		return errors.ErrTokenFromFuture
	}
	if want.Now >= v.access.ExpiresAt*1000+leeway {
		return errors.ErrTokenExpired
	}
	return nil
}

func (v verified) isFor(issuer string, audiences []string) bool {
	return v.access.Issuer == issuer && v.access.isForOneOf(audiences)
}

// LooksLikeAccess reports whether text has the form and the header of our
// access tokens. It says nothing about authenticity.
func LooksLikeAccess(text string) bool {
	parts, ok := splitAccess(text)
	if !ok {
		return false
	}
	_, _, err := parseHeader(parts.header)
	return err == nil
}

// segments are the parts of a token in the compact serialisation (RFC 7515,
// section 3.1). signed is the header and the claims with the dot between.
type segments struct{ header, claims, signature, signed string }

// splitAccess takes text of bounded size apart at its two dots.
func splitAccess(text string) (segments, bool) {
	if len(text) > MaxAccessLen {
		return segments{}, false
	}
	header, rest, _ := strings.Cut(text, ".")
	claims, signature, ok := strings.Cut(rest, ".")
	if !ok || header == "" || claims == "" || strings.IndexByte(signature, '.') >= 0 {
		return segments{}, false
	}
	return segments{header, claims, signature, text[:len(text)-len(signature)-1]}, true
}

// verified is a token whose signature was right and whose claims could be read.
// It depends on nothing but the token's text and the key.
type verified struct {
	access    *Access
	notBefore int64
	key       Key
	// size is that of the decoded claims in bytes, which the texts of access
	// are parts of.
	size int
}

// authenticate returns the claims of a token with our header and a valid
// signature. No claim is looked at before the signature is verified.
func authenticate(text string, keys Keys) (verified, error) {
	parts, ok := splitAccess(text)
	if !ok {
		return verified{}, errors.ErrTokenMalformed
	}
	kid, f, err := parseHeader(parts.header)
	if err != nil {
		return verified{}, err
	}
	var proof [maxSignatureSize]byte
	signature, ok := decodeSized(proof[:0], parts.signature, f.algorithm.signatureSize())
	if !ok {
		return verified{}, errors.ErrTokenMalformed
	}
	key, err := keys.find(kid)
	switch {
	case err != nil:
		return verified{}, err
	case key.Algorithm() != f.algorithm:
		return verified{}, errors.ErrTokenForeign
	case !key.verifies(parts.signed, signature):
		return verified{}, errors.ErrTokenForged
	}
	var buf [MaxAccessLen * 3 / 4]byte // of base64, so it always suffices
	data, ok := decodeBase64(buf[:0], parts.claims)
	if !ok {
		return verified{}, errors.ErrTokenMalformed
	}
	a, notBefore, err := parseClaims(string(data), f.algorithm.Public())
	if err != nil {
		return verified{}, errors.ErrTokenMalformed
	}
	a.KeyID, a.AsJWT = kid, f.jwt
	return verified{access: a, notBefore: notBefore, key: key, size: len(data)}, nil
}
