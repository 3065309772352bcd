package session

import (
	"context"
	"fmt"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// WithPayloadMember puts a member into the payload of a new session whose value find
// finds out for the user, at the time now; nil when there is none. It stands beside
// what [WithPayload] says, which must be an object or absent then
// ([errors.ErrPayloadNotObject]). The name must be none of those that tokens use
// themselves ([errors.ErrReservedClaim]).
//
// find runs under the caller's context, before anything is stored. When it fails, so
// does the creation, with an error that is classed as WithClaims says.
func WithPayloadMember(
	name string, find func(ctx context.Context, userID string, now time.Time) (value any, err error),
) CreateOption {
	return func(c *creation) { c.members = append(c.members, payloadMember{name, find}) }
}

// MergePayloadMember is [Session.MergePayload] of one member whose value find finds
// out first, for the session's user, at the time now; nil removes the member. find runs
// once, under ctx. Errors: as MergePayload and, when find fails, as WithClaims says.
func (s *Session) MergePayloadMember(
	ctx context.Context, name string,
	find func(ctx context.Context, userID string, now time.Time) (value any, err error),
) (*Token, error) {
	if err := s.svc.checkOpen(); err != nil {
		return nil, err
	}
	value, err := payloadMember{name, find}.value(ctx, s.UserID(), s.svc.now())
	if err != nil {
		return nil, err
	}
	return s.merge(ctx, map[string]any{name: value})
}

// payloadMember is a member of the payload that is still to be found out.
type payloadMember struct {
	name string
	find func(ctx context.Context, userID string, now time.Time) (value any, err error)
}

func (m payloadMember) value(ctx context.Context, userID string, now int64) (any, error) {
	if token.Reserved(m.name) {
		return nil, invalidInput(fmt.Errorf("payload member %q: %w", m.name, errors.ErrReservedClaim))
	}
	if m.find == nil {
		return nil, errors.WithReason(errors.ErrConfig, errors.New("payload member without a function"))
	}
	value, err := m.find(ctx, userID, time.UnixMilli(now))
	if err != nil {
		return nil, claimFailed(m.name, err)
	}
	return value, nil
}

// addMembers merges what is to be found out for a new session into its payload. ctx is
// the caller's: Config.OperationTimeout is not about the application's own work.
func (s *Service) addMembers(ctx context.Context, userID string, c *creation) error {
	if len(c.members) == 0 {
		return nil
	}
	if err := checkUserID(userID); err != nil {
		return err
	}
	now := s.now()
	members := make(map[string]any, len(c.members))
	for _, m := range c.members {
		value, err := m.value(ctx, userID, now)
		if err != nil {
			return err
		}
		members[m.name] = value
	}
	payload, err := encodeValue(c.payload)
	if err != nil {
		return err
	}
	merged, err := mergeObject(payload, members)
	if err == nil {
		c.payload = merged
	}
	return err
}
