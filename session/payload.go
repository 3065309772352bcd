package session

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// MergePayload changes members of the session's payload object, in the row and in a
// new access token with the same expiry, which the client gets in the response at
// hand. Without HTTP the caller must pass the result on. A nil value removes a member.
//
// Errors: [errors.ErrUnauthorised] (the session is over; the cookies are
// cleared), [errors.ErrInvalidInput] with [errors.ErrReservedClaim],
// [errors.ErrPayloadNotObject], [errors.ErrValueNotJSON] or
// [errors.ErrCookieTooLarge] (nothing was stored), [errors.ErrUnavailable],
// [errors.ErrGeneral].
func (s *Session) MergePayload(ctx context.Context, members map[string]any) (*Token, error) {
	if err := s.svc.checkOpen(); err != nil {
		return nil, err
	}
	return s.merge(ctx, members)
}

func (s *Session) merge(ctx context.Context, members map[string]any) (*Token, error) {
	return s.changePayload(ctx, merging(members))
}

// ReplacePayload puts v, any JSON value, in the place of the whole payload, claims
// included; [Undefined] leaves none. Of two at once the later in the row wins. Results
// and errors are those of [Session.MergePayload].
func (s *Session) ReplacePayload(ctx context.Context, v any) (*Token, error) {
	if err := s.svc.checkOpen(); err != nil {
		return nil, err
	}
	return s.changePayload(ctx, replacing(v))
}

func (s *Session) changePayload(ctx context.Context, change payloadChange) (*Token, error) {
	s.merging.Lock()
	defer s.merging.Unlock()
	row, err := s.svc.changePayload(ctx, s.Handle(), change)
	if err != nil {
		return nil, s.clearIfEnded(err)
	}
	s.mu.Lock()
	claims := s.claims
	claims.Payload, claims.Level = row.Payload, row.Level // iat stays; see confirmed
	access, err := s.svc.signAccess(ctx, &claims)
	if err == nil {
		// One by one: what never changes is read without the lock.
		s.claims.Payload, s.claims.Level, s.claims.ID = claims.Payload, claims.Level, claims.ID
		s.ends, s.text = row.ExpiresAt, access.Value
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s.replace(access, &claims, row.ExpiresAt)
	return access, nil
}

// MergePayload changes members of the payload object of the session named by handle.
// Access tokens show it from their next refresh on; under [RevokeSoon] from the
// client's next request on, within Config.Feed.Within. Errors: as
// [Session.MergePayload].
func (s *Service) MergePayload(ctx context.Context, handle string, members map[string]any) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	return s.changeByHandle(ctx, handle, merging(members))
}

// ReplacePayload is [Session.ReplacePayload] for the session named by handle. When
// access tokens show it, [Service.MergePayload] says.
func (s *Service) ReplacePayload(ctx context.Context, handle string, v any) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	return s.changeByHandle(ctx, handle, replacing(v))
}

// changeByHandle changes the payload of a session whose client is not at hand.
func (s *Service) changeByHandle(ctx context.Context, handle string, change payloadChange) error {
	// Both within the time of one call: that is how long a hint waits for its row.
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var untold error
	if token.ValidHandle(handle) {
		untold = s.hint(ctx, models.Hint{Kind: models.HintSession, Subject: handle})
	}
	_, err := s.changePayload(ctx, handle, change)
	return cmp.Or(err, untold)
}

// payloadChange makes the new payload of the old one; nil is none.
type payloadChange func(old json.RawMessage) (json.RawMessage, error)

func merging(members map[string]any) payloadChange {
	return func(old json.RawMessage) (json.RawMessage, error) { return mergeObject(old, members) }
}

func replacing(v any) payloadChange {
	return func(json.RawMessage) (json.RawMessage, error) {
		payload, err := encodeValue(v)
		if err != nil {
			return nil, err
		}
		return payload, checkReserved(payload)
	}
}

// changePayload reads, changes and writes until nobody came in between. It returns the
// row as written.
func (s *Service) changePayload(ctx context.Context, handle string, change payloadChange) (*models.Session, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	for range lineage.MaxAttempts {
		row, err := s.live(ctx, handle)
		if err != nil {
			return nil, err
		}
		old := row.Payload
		if row.Payload, err = change(old); err != nil {
			return nil, err
		}
		if bytes.Equal(old, row.Payload) {
			return row, nil
		}
		if err := s.checkStillFits(row, old); err != nil {
			return nil, err
		}
		written, err := s.store.WritePayload(ctx, models.PayloadWrite{Handle: handle, Old: old, New: row.Payload, Now: s.now()})
		if err != nil || written {
			return row, err
		}
	}
	return nil, errors.WithReason(errors.ErrUnavailable, errors.ErrConflict)
}

// mergeObject is the object old with members set, or removed where they are nil. An
// absent object counts as empty.
func mergeObject(old json.RawMessage, members map[string]any) (json.RawMessage, error) {
	merged := objectOf(old)
	if merged == nil {
		if len(old) > 0 {
			return nil, invalidInput(errors.ErrPayloadNotObject)
		}
		merged = make(map[string]json.RawMessage, len(members))
	}
	for name, v := range members {
		if v == nil {
			delete(merged, name)
			continue
		}
		text, err := encodeValue(v)
		if err != nil {
			return nil, err
		}
		if text == nil || string(text) == "null" {
			delete(merged, name)
			continue
		}
		merged[name] = text
	}
	payload, err := encodeValue(merged)
	if err != nil {
		return nil, err
	}
	return payload, checkReserved(payload)
}

// checkReserved refuses a payload object with a reserved name.
func checkReserved(payload json.RawMessage) error {
	for name := range objectOf(payload) {
		if token.Reserved(name) {
			return invalidInput(errors.ErrReservedClaim)
		}
	}
	return nil
}

// objectOf is payload by member, or nil when it is no object.
func objectOf(payload json.RawMessage) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if len(payload) == 0 || payload[0] != '{' || json.Unmarshal(payload, &members) != nil {
		return nil
	}
	return members
}
