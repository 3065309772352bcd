package session

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Claim is a fact about the user that the session's payload carries together
// with the time at which it was found out:
//
//	{"<id>": {"v": <value>, "t": <Unix milliseconds>}}
//
// That is the form which the claims of front ends read. Applications use a
// PrimitiveClaim, a BooleanClaim or an ArrayClaim, made once at start; they
// are safe for concurrent use. The zero Claim is of no use, and every use of it an
// errors.ErrConfig.
type Claim[V any] struct {
	cfg   ClaimConfig[V]
	codec claimCodec[V]
}

// ClaimConfig says what a claim is called and where its value comes from.
type ClaimConfig[V any] struct {
	// ID is the name in the payload, and in front ends: 1 to 128 bytes of UTF-8,
	// none of the names that tokens use themselves (sub, exp, …).
	ID string
	// Fetch finds out the value for a user; ok is false when there is none. It
	// runs in the request that needs it, under that request's context, and may
	// run several times at once. Its errors are never a reason to log anybody
	// out. Without Fetch the value is what Set says.
	Fetch func(ctx context.Context, userID string) (value V, ok bool, err error)
	// DefaultMaxAge is how old a value may be for validators that don't say (see
	// ClaimValidator.MaxAge): default 5 min where there is a Fetch, so that a user
	// who was demoted is so within that time; Off for any age.
	DefaultMaxAge time.Duration
}

// defaultClaimAge is how long SuperTokens' own claims of roles are good for.
const defaultClaimAge = 5 * time.Minute

// maxClaimIDLen is the longest id in bytes. It is short against the 4 KiB
// that a whole payload can have.
const maxClaimIDLen = 128

// newClaim checks cfg. The error is an errors.ErrConfig, for a name that
// is taken also an errors.ErrReservedClaim.
func newClaim[V any](cfg ClaimConfig[V], codec claimCodec[V]) (Claim[V], error) {
	switch {
	case len(cfg.ID) == 0 || len(cfg.ID) > maxClaimIDLen || !utf8.ValidString(cfg.ID):
		return Claim[V]{}, claimMisconfigured(errors.New("ClaimConfig.ID must be 1 to 128 bytes of valid UTF-8"))
	case slices.Contains(reservedClaims[:], cfg.ID):
		return Claim[V]{}, claimMisconfigured(fmt.Errorf("ClaimConfig.ID %q: %w", cfg.ID, errors.ErrReservedClaim))
	case cfg.DefaultMaxAge < 0 && cfg.DefaultMaxAge != Off:
		return Claim[V]{}, claimMisconfigured(fmt.Errorf("ClaimConfig.DefaultMaxAge: %v is negative", cfg.DefaultMaxAge))
	}
	// What nothing can fetch anew is as good as it will ever be.
	var byDefault time.Duration
	if cfg.Fetch != nil {
		byDefault = defaultClaimAge
	}
	cfg.DefaultMaxAge = orNone(cfg.DefaultMaxAge, byDefault)
	return Claim[V]{cfg: cfg, codec: codec}, nil
}

func claimMisconfigured(reason error) error { return errors.WithReason(errors.ErrConfig, reason) }

// usable tells a claim that a constructor made from a zero one.
func (c Claim[V]) usable() bool { return c.codec.decode != nil }

// ID is the claim's name in the payload.
func (c Claim[V]) ID() string { return c.cfg.ID }

// Value reads the claim from the session's access token, whatever its age; it
// needs no database. ok is false when the claim is absent or not of its type.
func (c Claim[V]) Value(sess *Session) (value V, ok bool) {
	value, _, ok = c.read(sess.members())
	return value, ok
}

// Set puts value into the session's payload, as found out now. Results and errors
// are those of Session.MergePayload.
func (c Claim[V]) Set(ctx context.Context, sess *Session, value V) (*Token, error) {
	if !c.usable() {
		return nil, claimMisconfigured(errClaimUnmade)
	}
	return sess.MergePayload(ctx, map[string]any{c.cfg.ID: c.member(value, sess.svc.now())})
}

// FetchAndSet asks Fetch for the value and puts it into the session's payload;
// when there is none, the claim is removed. Results and errors are those of
// Session.MergePayload, and errors.ErrGeneral or errors.ErrUnavailable when
// Fetch fails.
func (c Claim[V]) FetchAndSet(ctx context.Context, sess *Session) (*Token, error) {
	if err := sess.svc.checkOpen(); err != nil {
		return nil, err
	}
	member, err := c.fetchMember(ctx, sess.UserID(), sess.svc.now())
	if err != nil {
		return nil, err
	}
	return sess.MergePayload(ctx, map[string]any{c.cfg.ID: member})
}

// Remove takes the claim out of the session's payload. The next validator that
// misses it fetches it anew, if it can. Results and errors are those of
// Session.MergePayload.
func (c Claim[V]) Remove(ctx context.Context, sess *Session) (*Token, error) {
	if !c.usable() {
		return nil, claimMisconfigured(errClaimUnmade)
	}
	return sess.MergePayload(ctx, map[string]any{c.cfg.ID: nil})
}

// claimMember is a claim in the payload.
type claimMember[V any] struct {
	Value     V     `json:"v"`
	FetchedAt int64 `json:"t"`
}

func (c Claim[V]) member(value V, now int64) any {
	return claimMember[V]{c.codec.normal(value), now}
}

// fetchMember is the claim as Fetch has it now, or an untyped nil when there is none.
func (c Claim[V]) fetchMember(ctx context.Context, userID string, now int64) (any, error) {
	if !c.usable() {
		return nil, claimMisconfigured(errClaimUnmade)
	}
	if c.cfg.Fetch == nil {
		return nil, claimMisconfigured(fmt.Errorf("claim %q has no Fetch", c.cfg.ID))
	}
	value, ok, err := c.cfg.Fetch(ctx, userID)
	if err != nil {
		return nil, claimFetchFailed(c.cfg.ID, err)
	}
	if !ok {
		return nil, nil
	}
	return c.member(value, now), nil
}

var (
	errClaimUnmade = errors.New("zero Claim: make claims by their constructors")
	errClaimFetch  = errors.New("the fetch function failed")
)

// claimFetchFailed classifies an error of the application. Whatever a Fetch
// ran into, it is no verdict on the session: the classes that would log
// somebody out, or answer for another session that it looked at, go no further.
func claimFetchFailed(id string, err error) error {
	class := errors.ErrGeneral
	if errors.Is(err, errors.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		class = errors.ErrUnavailable
	}
	for _, verdict := range [...]error{
		errors.ErrUnauthorised, errors.ErrTryRefreshToken, errors.ErrTokenTheft, errors.ErrInvalidClaim,
	} {
		if errors.Is(err, verdict) {
			err = errClaimFetch
		}
	}
	return errors.WithReason(class, fmt.Errorf("claim %q: %w", id, err))
}

// Primitive is what a claim's value, or an element of it, can be: a string, a
// number or a bool. Front ends hold numbers as 64-bit floating point.
type Primitive interface{ cmp.Ordered | ~bool }

// claimCodec is how values of one type travel.
type claimCodec[V any] struct {
	decode func(json.RawMessage) (V, bool)
	// normal is the value to encode: without the nil that JSON would tell apart.
	normal func(V) V
}
