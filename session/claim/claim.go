package claim

import (
	"cmp"
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Claim is what [Single] and [Array] have in common. The zero Claim is of no use, and
// every use of it an [errors.ErrConfig].
type Claim[V any] struct {
	cfg   Config[V]
	codec codec[V]
}

// Config says what a claim is called and where its value comes from.
type Config[V any] struct {
	// ID is the name in the payload, and in front ends: 1 to 128 bytes of UTF-8,
	// none of the names that tokens use themselves (sub, exp, …).
	ID string
	// Fetch finds out the value for a user; ok is false when there is none. It
	// runs in the request that needs it, under that request's context, and may
	// run several times at once. Its errors are never a reason to log anybody
	// out: see [session.WithClaims]. Without Fetch the value is what Set says.
	Fetch func(ctx context.Context, userID string) (value V, ok bool, err error)
	// DefaultMaxAge is how old a value may be for validators that don't say (see
	// Validator.MaxAge): default 5 min where there is a Fetch, so that a user
	// who was demoted is so within that time; [session.Off] for any age.
	// With the feed on, a process has values from more than a day before it started
	// found out anew once, and keeps them where that fails.
	DefaultMaxAge time.Duration
}

// Scalar is what a claim's value, or an element of it, can be: a string, a
// number or a bool. Front ends hold numbers as 64-bit floating point.
type Scalar interface{ cmp.Ordered | ~bool }

// defaultMaxAge is how long SuperTokens' own claims of roles are good for.
const defaultMaxAge = 5 * time.Minute

// maxIDLen is the longest id in bytes. It is short against the 4 KiB that a whole
// payload can have.
const maxIDLen = 128

// newClaim checks cfg. The error is an [errors.ErrConfig], for a name that
// is taken also an [errors.ErrReservedClaim].
func newClaim[V any](cfg Config[V], codec codec[V]) (Claim[V], error) {
	switch {
	case len(cfg.ID) == 0 || len(cfg.ID) > maxIDLen || !utf8.ValidString(cfg.ID):
		return Claim[V]{}, misconfigured(errors.New("claim.Config.ID must be 1 to 128 bytes of valid UTF-8"))
	case token.Reserved(cfg.ID):
		return Claim[V]{}, misconfigured(fmt.Errorf("claim.Config.ID %q: %w", cfg.ID, errors.ErrReservedClaim))
	case cfg.DefaultMaxAge < 0 && cfg.DefaultMaxAge != session.Off:
		return Claim[V]{}, misconfigured(fmt.Errorf("claim.Config.DefaultMaxAge: %v is negative", cfg.DefaultMaxAge))
	}
	switch {
	case cfg.DefaultMaxAge == session.Off:
		cfg.DefaultMaxAge = 0
	case cfg.DefaultMaxAge == 0 && cfg.Fetch != nil:
		// What nothing can fetch anew is as good as it will ever be.
		cfg.DefaultMaxAge = defaultMaxAge
	}
	return Claim[V]{cfg: cfg, codec: codec}, nil
}

func misconfigured(reason error) error { return errors.WithReason(errors.ErrConfig, reason) }

var errUnmade = errors.New("zero claim or validator: make claims by NewSingle or NewArray, validators by their methods")

// usable tells a claim that a constructor made from a zero one.
func (c Claim[V]) usable() bool { return c.codec.decode != nil }

// ID is the claim's name in the payload.
func (c Claim[V]) ID() string { return c.cfg.ID }

// Value reads the claim from the session's access token, whatever its age; it
// needs no database. ok is false when the claim is absent or not of its type.
func (c Claim[V]) Value(sess *session.Session) (value V, ok bool) {
	var members payload
	if sess.Payload(&members) != nil {
		return value, false // no object
	}
	value, _, ok = c.read(members)
	return value, ok
}

// Set puts value into the session's payload, as found out now. Results and errors
// are those of [session.Session.MergePayload].
func (c Claim[V]) Set(ctx context.Context, sess *session.Session, value V) (*session.Token, error) {
	return sess.MergePayloadMember(ctx, c.cfg.ID, c.given(value))
}

// FetchAndSet asks Fetch for the value and puts it into the session's payload;
// when there is none, the claim is removed. Results and errors are those of
// [session.Session.MergePayload], and [errors.ErrGeneral] or [errors.ErrUnavailable]
// when Fetch fails.
func (c Claim[V]) FetchAndSet(ctx context.Context, sess *session.Session) (*session.Token, error) {
	return sess.MergePayloadMember(ctx, c.cfg.ID, c.fetch)
}

// Remove takes the claim out of the session's payload. The next validator that
// misses it fetches it anew, if it can. Results and errors are those of
// [session.Session.MergePayload].
func (c Claim[V]) Remove(ctx context.Context, sess *session.Session) (*session.Token, error) {
	if !c.usable() {
		return nil, misconfigured(errUnmade)
	}
	return sess.MergePayload(ctx, map[string]any{c.cfg.ID: nil})
}

// AtCreation puts the claim with this value into the payload of a new session,
// beside what [session.WithPayload] says, which must be an object or absent then
// ([errors.ErrPayloadNotObject]).
func (c Claim[V]) AtCreation(value V) session.CreateOption {
	return session.WithPayloadMember(c.cfg.ID, c.given(value))
}

// FetchAtCreation is AtCreation with the value that Fetch finds for the user.
// When Fetch fails, so does the creation, as an [errors.ErrGeneral] or an
// [errors.ErrUnavailable].
func (c Claim[V]) FetchAtCreation() session.CreateOption {
	return session.WithPayloadMember(c.cfg.ID, c.fetch)
}

// given finds the claim with a value that is known already.
func (c Claim[V]) given(value V) func(context.Context, string, time.Time) (any, error) {
	return func(_ context.Context, _ string, now time.Time) (any, error) {
		if !c.usable() {
			return nil, misconfigured(errUnmade)
		}
		return c.member(value, now), nil
	}
}

// fetch finds the claim as Fetch has it now, or an untyped nil when there is none.
func (c Claim[V]) fetch(ctx context.Context, userID string, now time.Time) (any, error) {
	if !c.usable() {
		return nil, misconfigured(errUnmade)
	}
	if c.cfg.Fetch == nil {
		return nil, misconfigured(fmt.Errorf("claim %q has no Fetch", c.cfg.ID))
	}
	value, ok, err := c.cfg.Fetch(ctx, userID)
	if err != nil || !ok {
		return nil, err
	}
	return c.member(value, now), nil
}
