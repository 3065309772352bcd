package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// VerifyOption changes what one verification demands.
type VerifyOption func(*demands)

// demands is what a verification asks for.
type demands struct {
	antiCSRF   csrfDemand
	revocation RevocationMode
	claims     []Validator
	optional   bool
	// maxAge, level and user: see RequireRecentAuth, RequireLevel and RequireUser.
	maxAge *time.Duration
	level  *int
	user   bool
	// byOrigin has the proof of AntiCSRFViaFetchMetadata take the place of a token.
	byOrigin bool
	// asked is when the claims are asked for; 0 is now.
	asked int64
}

// csrfDemand says which requests must prove that they were meant.
type csrfDemand uint8

const (
	csrfByMethod csrfDemand = iota // unsafe methods; without HTTP: always
	csrfAlways
	csrfNever
)

// RequireAntiCSRF demands the anti-CSRF proof whatever the method is.
func RequireAntiCSRF() VerifyOption { return func(d *demands) { d.antiCSRF = csrfAlways } }

// ViaFetchMetadata has the route take the proof of AntiCSRFViaFetchMetadata, whatever
// Config.AntiCSRF.Mode is: for forms, which cannot send a token in a header. Without
// HTTP there is no such proof to look at, and nothing is demanded.
func ViaFetchMetadata() VerifyOption { return func(d *demands) { d.byOrigin = true } }

// Optional lets visitors pass, without a session and without an error: requests with
// no token, or with something else under its name. For VerifyHTTP and Exchange.Verify.
func Optional() VerifyOption { return func(d *demands) { d.optional = true } }

// InsecureSkipAntiCSRF asks for no anti-CSRF proof, for requests that change nothing
// or are protected by other means, such as a token in a header.
func InsecureSkipAntiCSRF() VerifyOption { return func(d *demands) { d.antiCSRF = csrfNever } }

// WithRevocation overrides Config.Revocation. RevokeSoon needs the feed: see
// FeedConfig.
func WithRevocation(mode RevocationMode) VerifyOption {
	return func(d *demands) { d.revocation = mode }
}

func (s *Service) demandsOf(opts []VerifyOption) demands {
	byOrigin := s.cfg.AntiCSRF.Mode == AntiCSRFViaFetchMetadata
	if len(opts) == 0 {
		return demands{revocation: s.cfg.Revocation, byOrigin: byOrigin} // the usual case, which needs nothing on the heap
	}
	d := &demands{revocation: s.cfg.Revocation, byOrigin: byOrigin}
	for _, opt := range opts {
		opt(d)
	}
	return *d
}

// CheckVerify reports whether verifications of this Service can take the options, for
// whoever writes middleware: call it when routes are set up. It is an
// [errors.ErrConfig] that says what to do, or [errors.ErrClosed].
func (s *Service) CheckVerify(opts ...VerifyOption) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	return s.possible(s.demandsOf(opts))
}

func (s *Service) possible(d demands) error {
	switch {
	case d.revocation > RevokeImmediately:
		return errors.WithReason(errors.ErrConfig, fmt.Errorf("WithRevocation: unknown mode %d", d.revocation))
	case d.revocation == RevokeSoon && s.hints.feed == nil:
		return errFeedOff
	case slices.Contains(d.claims, nil):
		return errNilValidator
	}
	return d.possibleAssurance()
}

// Verify checks an access token and the anti-CSRF token that came with it. The second
// result is a new access token which the client must be given in place of its own, or
// nil: the first use of a refreshed token makes the refresh definite, and WithClaims
// may have fetched a claim; under RevokeSoon the payload may have been changed
// elsewhere. It may come with an error, which ends nothing ([errors.ErrInvalidClaim],
// [errors.ErrGeneral]). Verifying any other token needs no database, unless immediate
// revocation is on, or RevokeSoon and something happened to the session or the user.
//
// Errors: [errors.ErrTryRefreshToken] (keep the client's tokens),
// [errors.ErrUnauthorised] (the session is over), [errors.ErrInvalidClaim],
// [errors.ErrUnavailable], [errors.ErrGeneral].
//
// A session that came by header has no anti-CSRF token and needs none: verify its
// tokens with InsecureSkipAntiCSRF, which is not insecure there.
//
// Handlers use VerifyHTTP or middleware.Verify.
func (s *Service) Verify(ctx context.Context, accessToken, antiCSRF string, opts ...VerifyOption) (*Session, *Token, error) {
	if err := s.checkOpen(); err != nil {
		return nil, nil, err
	}
	d := s.demandsOf(opts)
	if d.byOrigin {
		d.antiCSRF = csrfNever // which the caller has to look at: there is no request here
	}
	sess, replacement, err := s.verify(ctx, accessToken, antiCSRFText{s.cfg.AntiCSRF.Mode, antiCSRF}, d)
	switch {
	case errors.Is(err, errors.ErrUnauthorised):
		return nil, nil, err
	case err != nil:
		return nil, replacement, err
	}
	return sess, replacement, nil
}

// csrfProof is the proof that a request was meant. It tells whether that satisfies the
// demand for the token at hand.
type csrfProof interface {
	satisfies(claims *token.Access, demand csrfDemand) bool
}

// antiCSRFText is the proof of a caller without HTTP.
type antiCSRFText struct {
	mode AntiCSRFMode
	text string
}

func (p antiCSRFText) satisfies(claims *token.Access, demand csrfDemand) bool {
	return p.mode != AntiCSRFViaToken || demand == csrfNever || token.AntiCSRFMatches(p.text, claims.AntiCSRF)
}

// verify returns the session beside an error too when its claims are at fault: the
// client needs the replaced token all the same.
func (s *Service) verify(ctx context.Context, text string, proof csrfProof, d demands) (*Session, *Token, error) {
	if err := s.possible(d); err != nil {
		return nil, nil, err
	}
	claims, memo, err := s.parseAccess(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	if !proof.satisfies(claims, d.antiCSRF) {
		return nil, nil, tryRefresh(errors.ErrAntiCSRF)
	}
	sess, replacement, err := s.settle(ctx, text, claims, memo, d.revocation)
	if err != nil {
		return sess, replacement, err
	}
	merged, err := s.check(ctx, sess, &d)
	return sess, cmp.Or(merged, replacement), err
}

// parseAccess authenticates text and checks its claims, which must not be changed. It
// runs no SQL, but for the key ring's rare reload. The memo may be nil.
func (s *Service) parseAccess(ctx context.Context, text string) (*token.Access, *feed.Memo, error) {
	claims, memo, err := s.cache.ParseAccess(text, s.verifying(ctx, models.KeyForAccess), token.Expect{
		Issuer: s.cfg.Issuer, Audiences: s.accepts, Now: s.now(), Leeway: s.cfg.Leeway,
	})
	if err != nil {
		return nil, nil, asTryRefresh(err)
	}
	return claims, memo, nil
}

// settle asks the database where that is needed: to promote, because revocation must
// be immediate, or because the feed says so.
func (s *Service) settle(ctx context.Context, text string, claims *token.Access, memo *feed.Memo, mode RevocationMode) (sess *Session, replacement *Token, err error) {
	if claims.Replaces != "" {
		return s.inheritByUse(ctx, text, claims)
	}
	q, ask := s.mustAsk(mode, claims, memo)
	if !claims.Parent.IsZero() {
		sess, replacement, err = s.promote(ctx, text, claims)
		if err != nil || !ask || claims.Level == 0 {
			return sess, replacement, err
		}
		// The level may have fallen since the refresh, and a promotion reads no row.
		lowered, err := sess.takeLevel(ctx)
		if err != nil {
			return nil, nil, err
		}
		return sess, cmp.Or(lowered, replacement), nil
	}
	if ask {
		sess, replacement, err = s.ask(ctx, text, claims, memo, q)
	} else {
		sess = s.newSession(text, claims, 0)
	}
	if sess != nil {
		sess.memo.Store(memo)
	}
	return sess, replacement, err
}

// promote handles the first use of an access token since its refresh: the
// client has proven that it received it, so its refresh token replaces its parent in
// the row. One UPDATE, and one SELECT when that found no match.
func (s *Service) promote(ctx context.Context, text string, claims *token.Access) (*Session, *Token, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	tok := lineage.Token{Hash: claims.Refresh, Parent: claims.Parent, Gen: claims.Gen, Iat: claims.RefreshIssuedAt}

	// Optimistic: in the usual case the parent is current, and then this is the step,
	// without any reading. Nobody gave that verdict yet; the statement's WHERE does.
	v, row := lineage.Advance, lineage.Row{Cur: tok.Parent}
	absolute, idle := s.absoluteEndOf(claims), claims.Idle*1000
	for range lineage.MaxAttempts {
		step := s.dated(lineage.Step(v, row, tok), claims.Handle, absolute, idle)
		if claims.Replaces != "" {
			step.ExpiresAt = 0 // it does not move before the session is confirmed
		}
		found, applied, err := s.advance(ctx, step)
		if err != nil {
			return nil, nil, err
		}
		if applied {
			s.emitAdvance(ctx, v, claims.Handle, claims.UserID)
			return s.confirmed(ctx, claims, step.ExpiresAt)
		}
		row = lineage.Of(found, step.Now)
		switch v = lineage.OnUse(row, tok, s.window()); v {
		case lineage.Advance, lineage.FastForward:
			absolute = found.AbsoluteExpiresAt
		case lineage.Confirmed:
			return s.confirmed(ctx, claims, found.ExpiresAt)
		case lineage.Accept:
			return s.newSession(text, claims, found.ExpiresAt), nil, nil
		case lineage.TryRefresh:
			return nil, nil, tryRefresh(errors.ErrTokenRotatedOut)
		default:
			return nil, nil, ended(found)
		}
	}
	return nil, nil, errors.WithReason(errors.ErrUnavailable, errors.ErrConflict)
}

// confirmed re-issues a promoted access token without its parent, with the SAME expiry:
// only a refresh extends life. iat stays too: what is older than a revocation or a
// change of claims must not come to look younger.
func (s *Service) confirmed(ctx context.Context, claims *token.Access, ends int64) (*Session, *Token, error) {
	fresh := *claims
	fresh.Promoted()
	replacement, err := s.signAccess(ctx, &fresh)
	if err != nil {
		return nil, nil, err
	}
	return s.newSession(replacement.Value, &fresh, ends), replacement, nil
}

func tryRefresh(reason error) error { return errors.WithReason(errors.ErrTryRefreshToken, reason) }

// asTryRefresh gives the reason that a parser returned its class. What came
// from the database keeps its own.
func asTryRefresh(err error) error {
	if errors.Is(err, errors.ErrGeneral) {
		return err
	}
	return tryRefresh(err)
}
