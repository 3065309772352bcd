package session

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// redactedText stands for every secret in logs and prints.
type redactedText struct{}

func (redactedText) String() string { return "[redacted]" }

// hidden makes the struct that embeds it print, log and encode as redactedText.
type hidden = redact.As[redactedText]

// Token is a token with its end. No fmt verb, encoder or log shows its text: read
// Value.
type Token struct {
	hidden
	Value     string
	ExpiresAt time.Time
}

// Tokens is what creation and refresh give to a client that the caller
// answers by itself; the functions with HTTP in their name send them.
type Tokens struct {
	hidden
	// Session is the session as its new access token describes it.
	Session *Session
	// Access is the short-lived token that requests carry, Refresh the long-lived one
	// that only the refresh route gets. Both replace the client's.
	Access, Refresh Token
	// IDRefresh is a random id without authority that changes with every
	// refresh, and ends with the refresh token.
	IDRefresh Token
	// AntiCSRF is what the client must send along; empty when the mode needs none.
	AntiCSRF string
}

var (
	_ redact.Hidden = Token{}
	_ redact.Hidden = Tokens{}
	_ redact.Hidden = Key{}
	_ redact.Hidden = (*Session)(nil)
)

// mintRequest says which pair of tokens to mint.
type mintRequest struct {
	// row has the claims: handle, user, payload, creation and absolute end.
	row *models.Session
	// family is what all refresh tokens of the session share.
	family token.Family
	// parent is the refresh token that is refreshed; zero at creation. With a parent,
	// the pair waits to be promoted by its first use.
	parent   models.Hash
	gen, now int64
	// ends is the idle end that the row guarantees, and so the refresh token's.
	ends     int64
	antiCSRF bool
}

// mint makes a pair of tokens and returns the refresh token's hash with them.
// It touches no row; the size limits are checked here, before anything is stored.
func (s *Service) mint(ctx context.Context, b mintRequest) (*Tokens, models.Hash, error) {
	refreshKey, err := s.keys.Signing(ctx, models.KeyForRefresh)
	if err != nil {
		return nil, models.Hash{}, err
	}
	fresh := token.NewRefresh(b.family, b.parent, b.gen, b.now)
	text, hash := fresh.Seal(refreshKey, s.cfg.Issuer, s.cfg.Audiences[0])
	tokens, err := s.accompany(ctx, b, &refreshToken{Refresh: fresh, text: text, hash: hash})
	return tokens, hash, err
}

// accompany makes what goes with a refresh token, new or not: an access token of
// the row as it is, bound to it; the anti-CSRF token that derives from it; and a new
// id-refresh marker.
func (s *Service) accompany(ctx context.Context, b mintRequest, tok *refreshToken) (*Tokens, error) {
	claims := s.claimsOf(b.row)
	claims.IssuedAt, claims.ExpiresAt = b.now/1000, s.accessExpiry(b.now, b.row)
	claims.Gen = tok.Gen
	if claims.Parent = b.parent; !b.parent.IsZero() {
		claims.Refresh, claims.RefreshIssuedAt = tok.hash, tok.IssuedAt
	}
	tokens := &Tokens{
		Refresh:   Token{Value: tok.text, ExpiresAt: time.UnixMilli(b.ends)},
		IDRefresh: Token{Value: rand.Text(), ExpiresAt: time.UnixMilli(b.ends)},
	}
	if b.antiCSRF && s.cfg.AntiCSRF.Mode == AntiCSRFViaToken {
		tokens.AntiCSRF = token.AntiCSRFOf(tok.text)
		claims.AntiCSRF = token.AntiCSRFHash(tokens.AntiCSRF)
	}
	access, err := s.signAccess(ctx, &claims)
	if err != nil {
		return nil, err
	}
	tokens.Access = *access
	tokens.Session = s.newSession(access.Value, &claims, b.ends)
	return tokens, nil
}

// claimsOf are the claims that a token has from the row. What decides lifetimes and
// looks of the tokens to come is among them: a promotion reads no row.
func (s *Service) claimsOf(row *models.Session) token.Access {
	claims := token.Access{
		Issuer: s.cfg.Issuer, Audience: s.cfg.Audiences[0], Others: s.cfg.Audiences[1:],
		UserID: row.UserID, Handle: row.Handle, Payload: row.Payload,
		AuthTime: row.ProvenAt() / 1000, AMR: row.AMR, Level: row.Level,
		Idle: row.IdleMillis / 1000, Flags: row.Flags &^ (models.FlagPending | models.FlagSignIn),
	}
	if start := row.CreatedAt / 1000; start != claims.AuthTime {
		claims.Start = start
	}
	if row.AbsoluteExpiresAt != s.absoluteEnd(row.CreatedAt) {
		claims.Until = row.AbsoluteExpiresAt / 1000
	}
	if row.Flags.Has(models.FlagPending) {
		claims.Replaces = row.Origin
	}
	return claims
}

// signAccess signs claims under an id of their own, as no two tokens may share one
// (RFC 7519, section 4.1.7), and checks that the result fits where it has to go.
func (s *Service) signAccess(ctx context.Context, claims *token.Access) (*Token, error) {
	key, err := s.keys.Signing(ctx, models.KeyForAccess)
	if err != nil {
		return nil, err
	}
	claims.ID = "" // Sign makes a new one
	claims.AsJWT = key.Pair != nil && s.cfg.SigningKey.TokenType == TokenTypeJWT
	text, err := claims.Sign(key)
	switch {
	case err == nil:
	case errors.Is(err, errors.ErrValueNotJSON), errors.Is(err, errors.ErrValueTooDeep), errors.Is(err, errors.ErrCookieTooLarge):
		return nil, invalidInput(err) // the payload, the one claim that has not been checked before
	default:
		return nil, errors.WithReason(errors.ErrGeneral, err)
	}
	if !s.sizesOf(len(text), claims).fit() {
		return nil, invalidInput(errors.ErrCookieTooLarge)
	}
	return &Token{Value: text, ExpiresAt: time.Unix(claims.ExpiresAt, 0)}, nil
}

// sizes are those of the cookies, names included, that a page keeps tokens in.
type sizes struct{ access, front int }

// fit reports whether browsers keep such cookies.
func (z sizes) fit() bool { return max(z.access, z.front) <= wire.MaxCookieSize }

// within reports whether z is no larger than other in anything.
func (z sizes) within(other sizes) bool { return z.access <= other.access && z.front <= other.front }

// sizesOf are the sizes for an access token of the given length with these claims. A
// session that came by header counts as one by cookies, which it may become.
func (s *Service) sizesOf(access int, claims *token.Access) sizes {
	z := sizes{access: len(s.wire.Place.Access) + access}
	if s.cfg.FrontEnds.FrontToken == SwitchAlways {
		z.front = len(wire.FrontTokenCookie) + len(wire.FrontToken(claims, claims.IssuedAt, true))
	}
	return z
}

// longestClaims are the claims of the longest token that a session with this payload
// will ever have, as this service is configured, and its length.
func (s *Service) longestClaims(row *models.Session, payload []byte) (claims token.Access, length int) {
	claims = s.claimsOf(row)
	claims.Payload = payload
	// It may come to be there when the configuration changes, or a limit dates the row.
	claims.Until = row.AbsoluteExpiresAt / 1000
	for _, a := range s.keys.Algorithms() {
		length = max(length, claims.Lengthen(a))
	}
	return claims, length
}

// largest are the sizes that a session with this payload will ever have, whatever
// service of the key table it is of: audiences and names are as long as those of any
// can be. One with shorter ones must write nothing that another could not refresh. On
// whether there is a front token, they have to agree.
func (s *Service) largest(row *models.Session, payload []byte) sizes {
	claims, length := s.longestClaims(row, payload)
	for _, a := range s.keys.Algorithms() {
		claims.LongestAudiences(a)
		length = max(length, claims.Lengthen(a))
	}
	z := s.sizesOf(length, &claims)
	z.access = len(wire.PrefixHTTP) + len(wire.CookieAccess) + maxSuffixLen + length
	return z
}

// checkFits refuses a payload that a session could not keep for its life: the first
// token may fit where that of a later refresh would not. It is asked before anything is
// stored. What a session before it has kept so far, this one may keep too, or less of
// it, as long as this service itself can carry it.
func (s *Service) checkFits(row *models.Session, before []byte) error {
	after := s.largest(row, row.Payload)
	if after.fit() {
		return nil
	}
	if before != nil && after.within(s.largest(row, before)) {
		if claims, length := s.longestClaims(row, row.Payload); s.sizesOf(length, &claims).fit() {
			return nil
		}
	}
	return invalidInput(errors.ErrCookieTooLarge)
}

// checkStillFits is checkFits for a changed payload. What the session has already,
// by a rule that was less strict or longer names, it may keep, and may shrink.
func (s *Service) checkStillFits(row *models.Session, old []byte) error {
	err := s.checkFits(row, nil)
	if err == nil {
		return nil
	}
	if s.largest(row, row.Payload).within(s.largest(row, old)) {
		return nil
	}
	return err
}
