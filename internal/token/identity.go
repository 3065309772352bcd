package token

import (
	"cmp"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Identity is what an authentic access token says of itself, expired or not:
// enough to tell which of several counts, and nothing that lets anybody in.
type Identity struct {
	// Handle names the session, UserID its user.
	Handle, UserID string
	// Gen and IssuedAt order the tokens of one session; ExpiresAt is when this one is
	// over. Times are in seconds since 1970.
	Gen, IssuedAt, ExpiresAt int64
	// Replaces is the session that ends by the token's first use, or empty.
	Replaces string
	// AntiCSRF is the hash of the anti-CSRF token, or zero.
	AntiCSRF CSRFHash
}

// Compare orders the tokens of one session by age, the newest last.
func (i Identity) Compare(other Identity) int {
	return cmp.Or(cmp.Compare(i.Gen, other.Gen), cmp.Compare(i.IssuedAt, other.IssuedAt))
}

// Identify returns the identity of an authentic token, expired or not. Nothing
// else is returned, so that nobody can take an expired token for a valid one.
// Errors: as [ParseAccess], but for those about the time.
func Identify(text string, keys Keys, issuer string, audiences []string) (Identity, error) {
	v, err := authenticate(text, keys)
	switch {
	case err != nil:
		return Identity{}, err
	case !v.isFor(issuer, audiences):
		return Identity{}, errors.ErrTokenForeign
	}
	return identityOf(v.access), nil
}

// Claimed is the identity that text claims to have, whatever its signature. It
// serves to choose among tokens that are looked at more closely afterwards: it
// lets nobody in.
func Claimed(text string) (Identity, bool) {
	parts, ok := splitAccess(text)
	if !ok {
		return Identity{}, false
	}
	_, f, err := parseHeader(parts.header)
	if err != nil {
		return Identity{}, false
	}
	var buf [MaxAccessLen * 3 / 4]byte
	data, ok := decodeBase64(buf[:0], parts.claims)
	if !ok {
		return Identity{}, false
	}
	claims, _, err := parseClaims(string(data), f.algorithm.Public())
	if err != nil {
		return Identity{}, false
	}
	return identityOf(claims), true
}

func identityOf(a *Access) Identity {
	return Identity{
		Handle: a.Handle, UserID: a.UserID, Gen: a.Gen, IssuedAt: a.IssuedAt, ExpiresAt: a.ExpiresAt,
		Replaces: a.Replaces, AntiCSRF: a.AntiCSRF,
	}
}
