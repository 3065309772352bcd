package session

import "context"

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
