package claim

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/session"
)

const (
	absent  = "value does not exist"
	expired = "expired"
	wrong   = "wrong value"
)

// clockTolerance is how far in the future a claim may have been fetched: the servers'
// clocks disagree, and another request may be faster. Beyond that its age is unknown.
// Package session counts a request as one moment for no longer than this.
const clockTolerance = time.Minute

// Validator is one demand on a session: a [session.Validator], and where its claim has
// a Fetch one that fetches. Claims have methods that make them. The zero Validator
// refuses everything as an [errors.ErrConfig].
type Validator struct {
	id, member string
	maxAge     *time.Duration
	// fetch is nil when the claim has no Fetch.
	fetch func(ctx context.Context, userID string, now time.Time) (any, error)
	// fetchedAt says whether there is a value at all, and from when.
	fetchedAt func(payload) (int64, bool)
	// absent and judge are the reasons of the type at hand; judge's is nil for a value
	// that will do.
	absent Reason
	judge  func(payload) *Reason
}

func validatorOf[V any](c Claim[V], ifAbsent, ifWrong Reason, holds func(V) bool) Validator {
	if !c.usable() {
		return Validator{}
	}
	ifAbsent.Message, ifWrong.Message = absent, wrong
	v := Validator{
		id: c.cfg.ID, member: c.cfg.ID, absent: ifAbsent,
		fetchedAt: func(members payload) (int64, bool) {
			_, t, ok := c.read(members)
			return t, ok
		},
		judge: func(members payload) *Reason {
			got, _, ok := c.read(members)
			if ok && holds(got) {
				return nil
			}
			reason := ifWrong
			reason.ActualValue = got
			return &reason
		},
	}
	if c.cfg.Fetch != nil {
		v.fetch = c.fetch
	}
	if c.cfg.DefaultMaxAge > 0 {
		v.maxAge = new(c.cfg.DefaultMaxAge)
	}
	return v
}

// MaxAge demands a value that was found out at most d ago, in place of the
// claim's default. With 0 or less it has to be found out in this very request.
func (v Validator) MaxAge(d time.Duration) Validator {
	v.maxAge = new(max(d, 0))
	return v
}

// AnyAge takes a value of any age, in place of the claim's default.
func (v Validator) AnyAge() Validator {
	v.maxAge = nil
	return v
}

// WithID names the validator in [errors.ClaimFailure] and to front ends; the
// default is the claim's id.
func (v Validator) WithID(id string) Validator {
	v.id = id
	return v
}

// ID implements [session.Validator].
func (v Validator) ID() string { return v.id }

// Member implements [session.Fetcher]: it is the claim's id.
func (v Validator) Member() string { return v.member }

// Stale implements [session.Fetcher]. It is false where nothing can be fetched.
func (v Validator) Stale(view session.View) bool {
	if v.judge == nil {
		return true // so that Fetch complains before anything else is fetched
	}
	if v.fetch == nil {
		return false
	}
	t, ok := v.fetchedAt(view.Payload)
	return !ok || v.tooOld(t, view.Now) || t < view.RefetchBefore.UnixMilli()
}

// Fetch implements [session.Fetcher]: it asks Config.Fetch.
func (v Validator) Fetch(ctx context.Context, view session.View) (any, error) {
	if v.fetch == nil {
		return nil, misconfigured(errUnmade)
	}
	return v.fetch(ctx, view.UserID, view.Now)
}

// Check implements [session.Validator]. The reason is a [Reason], or nil.
func (v Validator) Check(_ context.Context, view session.View) (reason any, err error) {
	if v.judge == nil {
		return nil, misconfigured(errUnmade)
	}
	t, ok := v.fetchedAt(view.Payload)
	switch {
	case !ok:
		return v.absent, nil
	case v.tooOld(t, view.Now):
		age := float64(view.Now.UnixMilli()-t) / 1000
		return Reason{Message: expired, AgeInSeconds: &age, MaxAgeInSeconds: new(v.maxAge.Seconds())}, nil
	}
	if reason := v.judge(view.Payload); reason != nil {
		return *reason, nil
	}
	return nil, nil
}

// tooOld: fetched longer ago than is allowed, or in a future that no clock explains.
func (v Validator) tooOld(t int64, now time.Time) bool {
	age := now.UnixMilli() - t
	return v.maxAge != nil && (age > v.maxAge.Milliseconds() || -age > clockTolerance.Milliseconds())
}
