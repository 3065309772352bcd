package session

import (
	"context"
	"encoding/json"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// WithClaims demands that the session fulfils every validator. A claim that is
// absent, or older than its validator allows, is fetched first, if the claim
// has a Fetch, and kept in the session's payload: the client gets a new access
// token by this response. A session that fails is an *errors.ClaimError with
// all failures, answered by 403 (Config.InvalidClaimStatus); it stays signed in.
//
// Options add up: WithClaims on a group and on a route of it means both.
func WithClaims(validators ...ClaimValidator) VerifyOption {
	return func(d *demands) { d.claims = append(d.claims, validators...) }
}

// checkClaims fetches what is missing, then holds the payload against the validators.
// The result is a new access token for the client, or nil, also with an error.
//
// now is one time for everything: what is fetched here is of age 0 below, however long
// it takes.
func (s *Service) checkClaims(ctx context.Context, sess *Session, validators []ClaimValidator, now int64) (*Token, error) {
	members := sess.members()
	changes, err := fetchClaims(ctx, sess.UserID(), validators, members, now)
	if err != nil {
		return nil, err
	}
	var replacement *Token
	if len(changes) > 0 {
		if replacement, err = sess.merge(ctx, changes); err != nil {
			return nil, err
		}
		members = sess.members()
	}
	var failures []errors.ClaimFailure
	for _, v := range validators {
		if reason := v.failure(members, now); reason != nil {
			failures = append(failures, errors.ClaimFailure{ID: v.id, Reason: *reason})
		}
	}
	if len(failures) > 0 {
		return replacement, &errors.ClaimError{Failures: failures}
	}
	return replacement, nil
}

// fetchClaims is what has to change in members so that every claim is there and
// young enough, as far as it can be fetched. Each is fetched once.
func fetchClaims(ctx context.Context, userID string, validators []ClaimValidator, members map[string]json.RawMessage, now int64) (map[string]any, error) {
	changes := make(map[string]any)
	asked := make(map[string]bool)
	for _, v := range validators {
		if v.judge == nil {
			return nil, claimMisconfigured(errors.New("zero ClaimValidator: make validators by the methods of claims"))
		}
		if v.fetch == nil || asked[v.claimID] || !v.needsFetch(members, now) {
			continue
		}
		asked[v.claimID] = true
		member, err := v.fetch(ctx, userID, now)
		if err != nil {
			return nil, err
		}
		// A value that is no more must not be trusted for longer. One that
		// never was is no change.
		if _, present := members[v.claimID]; member != nil || present {
			changes[v.claimID] = member
		}
	}
	return changes, nil
}
