package session

import (
	"context"
	"encoding/json"
)

// maxClaimTime bounds the "t" of a claim: what a front end's number holds exactly.
const maxClaimTime = 1 << 53

// members is the payload by member; nil when it is no object.
func (s *Session) members() map[string]json.RawMessage {
	claims, _ := s.snapshot()
	return objectOf(claims.Payload)
}

// read finds the claim among the payload's members. A claim of any other shape
// counts as absent: it proves nothing, and fetching heals it.
func (c Claim[V]) read(members map[string]json.RawMessage) (value V, fetchedAt int64, ok bool) {
	member := objectOf(members[c.cfg.ID])
	if member == nil || !c.usable() {
		return value, 0, false
	}
	fetchedAt, ok = decodePrimitive[int64](member["t"])
	if !ok || fetchedAt < 0 || fetchedAt > maxClaimTime {
		return value, 0, false
	}
	value, ok = c.codec.decode(member["v"])
	return value, fetchedAt, ok
}

// decodePrimitive wants a value of exactly this type. null is a value of none, though
// json.Unmarshal takes it for every zero value.
func decodePrimitive[T Primitive](text json.RawMessage) (value T, ok bool) {
	if len(text) == 0 || string(text) == "null" {
		return value, false
	}
	if json.Unmarshal(text, &value) != nil {
		return *new(T), false
	}
	return value, true
}

// decodeArray wants an array of nothing but such values.
func decodeArray[T Primitive](text json.RawMessage) ([]T, bool) {
	var elements []json.RawMessage
	if len(text) == 0 || text[0] != '[' || json.Unmarshal(text, &elements) != nil {
		return nil, false
	}
	values := make([]T, 0, len(elements))
	for _, element := range elements {
		value, ok := decodePrimitive[T](element)
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

func primitiveCodec[T Primitive]() claimCodec[T] {
	return claimCodec[T]{decode: decodePrimitive[T], normal: func(value T) T { return value }}
}

func arrayCodec[T Primitive]() claimCodec[[]T] {
	return claimCodec[[]T]{decode: decodeArray[T], normal: func(values []T) []T {
		// "No roles" must be [] and not null, which would be "not known".
		return append([]T{}, values...)
	}}
}

// claimSeed finds a claim for the payload of a new session; a nil member is none.
type claimSeed func(ctx context.Context, userID string, now int64) (id string, member any, err error)

// AtCreation puts the claim with this value into the payload of a new session,
// beside what WithPayload says, which must be an object or absent then
// (errors.ErrPayloadNotObject).
func (c Claim[V]) AtCreation(value V) CreateOption {
	return seeding(func(_ context.Context, _ string, now int64) (string, any, error) {
		if !c.usable() {
			return "", nil, claimMisconfigured(errClaimUnmade)
		}
		return c.cfg.ID, c.member(value, now), nil
	})
}

// FetchAtCreation is AtCreation with the value that Fetch finds for the user.
// When Fetch fails, so does the creation, as an errors.ErrGeneral or an
// errors.ErrUnavailable.
func (c Claim[V]) FetchAtCreation() CreateOption {
	return seeding(func(ctx context.Context, userID string, now int64) (string, any, error) {
		member, err := c.fetchMember(ctx, userID, now)
		return c.cfg.ID, member, err
	})
}

func seeding(seed claimSeed) CreateOption {
	return func(c *creation) { c.claims = append(c.claims, seed) }
}

// addClaims merges the claims of a new session into its payload. ctx is the
// caller's: Config.OperationTimeout is not about the application's own work.
func (s *Service) addClaims(ctx context.Context, userID string, c *creation) error {
	if len(c.claims) == 0 {
		return nil
	}
	if err := checkUserID(userID); err != nil {
		return err
	}
	now := s.now()
	members := make(map[string]any, len(c.claims))
	for _, seed := range c.claims {
		id, member, err := seed(ctx, userID, now)
		if err != nil {
			return err
		}
		members[id] = member
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
