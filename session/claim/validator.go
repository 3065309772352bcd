package session

import (
	"context"
	"encoding/json"
	"time"
)

// ClaimReason is the reason of an errors.ClaimFailure. The names in JSON are
// those that the front ends' own validators use; which of them are there
// depends on the message and on the validator.
type ClaimReason struct {
	// Message is "value does not exist", "expired" or "wrong value".
	Message string `json:"message"`

	ExpectedValue                 any `json:"expectedValue,omitempty"`
	ExpectedToInclude             any `json:"expectedToInclude,omitempty"`
	ExpectedToNotInclude          any `json:"expectedToNotInclude,omitempty"`
	ExpectedToIncludeAtLeastOneOf any `json:"expectedToIncludeAtLeastOneOf,omitempty"`
	// ActualValue is there with "wrong value".
	ActualValue any `json:"actualValue,omitempty"`

	// AgeInSeconds and MaxAgeInSeconds are there with "expired".
	AgeInSeconds    *float64 `json:"ageInSeconds,omitempty"`
	MaxAgeInSeconds *float64 `json:"maxAgeInSeconds,omitempty"`
}

const (
	claimAbsent  = "value does not exist"
	claimExpired = "expired"
	claimWrong   = "wrong value"
)

// claimClockTolerance is how far in the future a claim may have been fetched: the
// servers' clocks disagree, and another request may be faster. Beyond that its age is
// unknown.
const claimClockTolerance = time.Minute

// ClaimValidator is one demand on a session; claims have methods that make
// them. Pass them to WithClaims. The zero ClaimValidator refuses everything
// as an errors.ErrConfig.
type ClaimValidator struct {
	id, claimID string
	maxAge      *time.Duration
	// fetch is nil when the claim has no Fetch.
	fetch func(ctx context.Context, userID string, now int64) (any, error)
	// fetchedAt says whether there is a value at all, and from when.
	fetchedAt func(map[string]json.RawMessage) (int64, bool)
	// absent and judge are the reasons of the type at hand; judge's is nil for a value
	// that will do.
	absent ClaimReason
	judge  func(map[string]json.RawMessage) *ClaimReason
}

func validatorOf[V any](c Claim[V], absent, wrong ClaimReason, holds func(V) bool) ClaimValidator {
	if !c.usable() {
		return ClaimValidator{}
	}
	absent.Message, wrong.Message = claimAbsent, claimWrong
	v := ClaimValidator{
		id: c.cfg.ID, claimID: c.cfg.ID, absent: absent,
		fetchedAt: func(members map[string]json.RawMessage) (int64, bool) {
			_, t, ok := c.read(members)
			return t, ok
		},
		judge: func(members map[string]json.RawMessage) *ClaimReason {
			got, _, ok := c.read(members)
			if ok && holds(got) {
				return nil
			}
			reason := wrong
			reason.ActualValue = got
			return &reason
		},
	}
	if c.cfg.Fetch != nil {
		v.fetch = c.fetchMember
	}
	if c.cfg.DefaultMaxAge > 0 {
		v.maxAge = new(c.cfg.DefaultMaxAge)
	}
	return v
}

// MaxAge demands a value that was found out at most d ago, in place of the
// claim's default. With 0 or less it has to be found out in this very request.
func (v ClaimValidator) MaxAge(d time.Duration) ClaimValidator {
	v.maxAge = new(max(d, 0))
	return v
}

// AnyAge takes a value of any age, in place of the claim's default.
func (v ClaimValidator) AnyAge() ClaimValidator {
	v.maxAge = nil
	return v
}

// WithID names the validator in errors.ClaimFailure and to front ends; the
// default is the claim's id.
func (v ClaimValidator) WithID(id string) ClaimValidator {
	v.id = id
	return v
}

// needsFetch reports whether there is no value, or one that is too old.
func (v ClaimValidator) needsFetch(members map[string]json.RawMessage, now int64) bool {
	t, ok := v.fetchedAt(members)
	return !ok || v.tooOld(t, now)
}

func (v ClaimValidator) tooOld(t, now int64) bool {
	return v.maxAge != nil && (now-t > millis(*v.maxAge) || t-now > millis(claimClockTolerance))
}

// failure is why the members do not fulfil the demand, or nil.
func (v ClaimValidator) failure(members map[string]json.RawMessage, now int64) *ClaimReason {
	t, ok := v.fetchedAt(members)
	switch {
	case !ok:
		return &v.absent
	case v.tooOld(t, now):
		return &ClaimReason{
			Message:      claimExpired,
			AgeInSeconds: new(float64(now-t) / 1000), MaxAgeInSeconds: new(v.maxAge.Seconds()),
		}
	default:
		return v.judge(members)
	}
}
