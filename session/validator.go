package session

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Validator is one demand on a session, beside its being verified: see
// [WithClaims]. Package claim makes those which front ends know too; an
// application may bring its own. It is asked by many requests at once.
type Validator interface {
	// ID names the demand in [errors.ClaimFailure], and so to front ends.
	ID() string
	// Check returns why the session does not meet the demand, or nil if it
	// does. The reason is sent to the front end as JSON. An error refuses the
	// request and is no verdict on the session: see WithClaims.
	Check(ctx context.Context, v View) (reason any, err error)
}

// Fetcher is a Validator that looks at one member of the payload, and can find
// out its value anew.
type Fetcher interface {
	Validator
	// Member names the member. It must not be one of the names that tokens use
	// themselves (sub, exp, …).
	Member() string
	// Stale reports whether the member is missing, too old to be checked, or found
	// out before v.RefetchBefore.
	Stale(v View) bool
	// Fetch finds out the member's value, any JSON value; nil when there is
	// none. It is asked when the member is stale, once however many validators
	// look at the same member, and before any of them checks.
	Fetch(ctx context.Context, v View) (value any, err error)
}

// View is what a Validator sees of a session. It is shared with others: change
// nothing.
type View struct {
	UserID, Handle string
	// CreatedAt is when the user signed in, to the second.
	CreatedAt time.Time
	// Payload is the payload by member; nil when it is absent or no object.
	Payload map[string]json.RawMessage
	// Now is the time of the request, the same for all validators and however
	// long one of them takes; in milliseconds, by Config.Now.
	Now time.Time
	// RefetchBefore is zero unless [Service.RefetchClaims] was called, or may have been
	// before this process started: then what was found out before it is stale. It may
	// be some minutes ahead of Now, for the clocks of other servers.
	RefetchBefore time.Time
}

// WithClaims demands that the session fulfils every validator. What a [Fetcher]
// finds missing or stale is fetched first and kept in the session's payload:
// the client gets a new access token by this response. A session that fails is
// an *[errors.ClaimError] with all failures, answered by 403
// (Config.InvalidClaimStatus); it stays signed in.
//
// An error of a validator is an [errors.ErrUnavailable] (503) if it is one
// already, or if its context ended, and else an [errors.ErrGeneral] (500). It
// never logs anybody out, whatever it is. A panic is the handler's own. A nil
// Validator is an [errors.ErrConfig].
//
// Options add up: WithClaims on a group and on a route of it means both.
func WithClaims(validators ...Validator) VerifyOption {
	return func(d *demands) { d.claims = append(d.claims, validators...) }
}

// checkClaims fetches what is stale, then asks the validators. The result is a
// new access token for the client, or nil, also with an error.
//
// now is one time for everything: what is fetched here is of age 0 below,
// however long it takes.
func (s *Service) checkClaims(ctx context.Context, sess *Session, validators []Validator, now int64) (*Token, error) {
	view := sess.view(now)
	stale := staleness{svc: s, sess: sess}
	changes, err := fetchMembers(ctx, validators, view, &stale)
	if err != nil {
		return nil, err
	}
	var replacement *Token
	if len(changes) > 0 {
		if replacement, err = sess.merge(ctx, changes); err != nil {
			return nil, err
		}
		view = sess.view(now)
	}
	stale.healed(ctx, replacement)
	var failures []errors.ClaimFailure
	for _, v := range validators {
		reason, err := v.Check(ctx, view)
		if err != nil {
			return replacement, claimFailed(v.ID(), err)
		}
		if reason != nil {
			failures = append(failures, errors.ClaimFailure{ID: v.ID(), Reason: reason})
		}
	}
	if len(failures) > 0 {
		return replacement, &errors.ClaimError{Failures: failures}
	}
	return replacement, nil
}

// view is the session as its access token describes it.
func (s *Session) view(now int64) View {
	claims, _ := s.snapshot()
	return View{
		UserID: claims.UserID, Handle: claims.Handle, CreatedAt: time.Unix(claims.SessionStart(), 0),
		Payload: objectOf(claims.Payload), Now: time.UnixMilli(now),
	}
}

// fetchMembers is what has to change in the payload so that every member is
// there and young enough, as far as it can be fetched. Each is fetched once.
func fetchMembers(ctx context.Context, validators []Validator, view View, stale *staleness) (map[string]any, error) {
	changes := make(map[string]any)
	members := make(map[string]memberState)
	for _, v := range validators {
		f, ok := v.(Fetcher)
		if !ok {
			continue
		}
		name := f.Member()
		if token.Reserved(name) {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("claim %q: %w", name, errors.ErrReservedClaim))
		}
		m, known := members[name]
		if !known { // once, or a hint from after the fetch would count as answered
			m.before = stale.before(name)
		}
		view.RefetchBefore = m.before.Latest()
		isStale := f.Stale(view)
		if isStale && !m.fetched {
			m.fetched, m.err = true, fetchMember(ctx, f, view, changes)
		}
		members[name] = m
		if !isStale || m.err == nil {
			continue
		}
		// A value that most likely nobody changed will do.
		view.RefetchBefore = m.before.Told
		if f.Stale(view) {
			return nil, claimFailed(name, m.err)
		}
		stale.kept(ctx, name)
	}
	return changes, nil
}

// memberState is what became of a member of the payload.
type memberState struct {
	before  feed.Before
	fetched bool
	err     error
}

// fetchMember fetches a member and notes what has to change in the payload.
func fetchMember(ctx context.Context, f Fetcher, view View, changes map[string]any) error {
	value, err := f.Fetch(ctx, view)
	if err != nil {
		return err
	}
	// A nil of some type is JSON's null, which removes the member as nil does.
	if text, err := encodeValue(value); err == nil && string(text) == "null" {
		value = nil
	}
	// A value that is no more must not be trusted for longer. One that never was is no
	// change.
	if _, present := view.Payload[f.Member()]; value != nil || present {
		changes[f.Member()] = value
	}
	return nil
}

var errNilValidator = errors.WithReason(errors.ErrConfig, errors.New("nil Validator in WithClaims"))

// errClaim stands for a verdict on a session that an application's function
// came by.
var errClaim = errors.New("the application's function failed")

// verdicts are the errors that this package goes by when it decides about a session or
// answers its client.
var verdicts = [...]error{
	errors.ErrUnauthorised, errors.ErrTryRefreshToken, errors.ErrTokenTheft, errors.ErrInvalidClaim, errors.ErrCrossOrigin,
	errors.ErrSessionLimit, errors.ErrSessionReplaced, errors.ErrTokenMissing, errors.ErrTokenMalformed, errors.ErrStepUp, errors.ErrUserRequired,
}

// claimFailed classifies an error of the application. Whatever its function ran
// into, it is no verdict on the session: what would log somebody out, make a visitor
// of a user, or answer for another session that it looked at, goes no further.
func claimFailed(id string, err error) error {
	class := errors.ErrGeneral
	if errors.Is(err, errors.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		class = errors.ErrUnavailable
	}
	for _, verdict := range verdicts {
		if errors.Is(err, verdict) {
			err = errClaim
		}
	}
	return errors.WithReason(class, fmt.Errorf("claim %q: %w", id, err))
}
