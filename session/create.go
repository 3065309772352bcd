package session

import (
	"context"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// CreateOption adds to a new session.
type CreateOption func(*creation)

// creation is what the options say.
type creation struct {
	payload, data any
	userAgent, ip string
	noAntiCSRF    bool
	// anyOrigin and switchToHeader: see InsecureCrossOriginSignIn and
	// InsecureSwitchToHeader.
	anyOrigin, switchToHeader bool
	members                   []payloadMember
	// before is the payload of the session that a Replace continues for the same user.
	// imported: the payload is that of an earlier system's session.
	before   []byte
	imported bool
	// amr and level are what Authenticated and Level say, idle and absolute what
	// WithLifetime does.
	amr            string
	level          int
	idle, absolute time.Duration
	flags          models.SessionFlags
	// newDevice is what the event says.
	newDevice bool
	// proven and leveled: Authenticated and Level were said.
	proven, leveled bool
	// as, merge and atOnce are what As, MergeData and ReplaceAtOnce say.
	as     *string
	merge  func(old json.RawMessage) (any, error)
	atOnce bool
	// replaced are the sessions that end by this sign-in.
	replaced []string
}

// WithPayload puts v, any JSON value, into the session's access tokens: it is readable
// in the browser. nil is JSON's null; without this option the payload is absent. An
// object must not use the names of registered claims ([errors.ErrReservedClaim]).
func WithPayload(v any) CreateOption { return func(c *creation) { c.payload = v } }

// WithData stores v, any JSON value up to 64 KiB, on the server only. nil is
// JSON's null; without this option the data is absent.
func WithData(v any) CreateOption { return func(c *creation) { c.data = v } }

// WithDevice stores what device lists show. The functions with HTTP in their
// name fill it in from the request. ip is subject to Config.IPAddresses.
func WithDevice(userAgent, ip string) CreateOption {
	return func(c *creation) { c.userAgent, c.ip = userAgent, ip }
}

// Create starts a session for a user who has just proven to be userID, an opaque
// string of 1 to [models.MaxUserID] (255) bytes of UTF-8 that is kept byte for byte. It
// is one INSERT; for what Config.MaxSessions adds, see [LimitConfig].
//
// Ask for the proof again where there is a session already: else whoever has stolen an
// access token makes a session of its own, which outlives that token. Look at the
// account again after a Create that may have run beside a RevokeAll.
//
// Errors: [errors.ErrInvalidInput] (with a reason; nothing was stored),
// [errors.ErrSessionLimit], [errors.ErrUnavailable], [errors.ErrGeneral].
//
// Handlers use CreateHTTP or middleware.Create, which answer the client too.
func (s *Service) Create(ctx context.Context, userID string, opts ...CreateOption) (*Tokens, error) {
	if err := s.checkOpen(); err != nil {
		return nil, err
	}
	c := creation{payload: Undefined{}, data: Undefined{}}
	for _, opt := range opts {
		opt(&c)
	}
	tokens, err := s.create(ctx, userID, &c)
	s.countResult(countSignedIn, err)
	return tokens, err
}

func (s *Service) create(ctx context.Context, userID string, c *creation) (*Tokens, error) {
	if err := s.addMembers(ctx, userID, c); err != nil {
		return nil, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var place entry
	// Each visitor is a user of its own, who has no second session.
	if !c.flags.Has(models.FlagAnonymous) {
		var err error
		if place, err = s.enter(ctx, userID, c.replaced); err != nil {
			return nil, err
		}
	}
	now := s.now()
	family := s.newFamily(now, userID)
	row, err := s.newRow(userID, family.Handle(), now, c)
	if err != nil {
		return nil, err
	}
	place.date(row)
	tokens, hash, err := s.mint(ctx, mintRequest{
		row: row, family: family, now: now, ends: row.ExpiresAt, antiCSRF: !c.noAntiCSRF,
	})
	if err != nil {
		return nil, err
	}
	row.Lineage = models.Lineage{Current: hash, IssuedAt: now}
	if err := s.store.Insert(ctx, row); err != nil {
		place.withdraw(ctx, row) // it may have been stored, or will be
		return nil, err
	}
	if err := place.settle(ctx, row); err != nil {
		return nil, err
	}
	s.emit(ctx, Event{Kind: EventCreated, Handle: row.Handle, UserID: userID, NewDevice: c.newDevice})
	return tokens, nil
}

// newFamily makes the family of a session of a user, whose handle says where the row
// lies if that matters to the store.
func (s *Service) newFamily(now int64, userID string) token.Family {
	if s.store.Sharded() {
		return token.NewShardedFamily(now, models.HomeOf(userID))
	}
	return token.NewFamily(now)
}

func checkUserID(userID string) error {
	if len(userID) == 0 || len(userID) > models.MaxUserID || !utf8.ValidString(userID) {
		return invalidInput(errors.ErrUserIDInvalid)
	}
	return nil
}

// newRow is the row of a new session, but for its refresh token.
func (s *Service) newRow(userID, handle string, now int64, c *creation) (*models.Session, error) {
	if err := checkUserID(userID); err != nil {
		return nil, err
	}
	payload, err := encodeValue(c.payload)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkReserved(payload), c.checkAssurance(), s.checkLifetimes(c)); err != nil {
		return nil, err
	}
	data, err := encodeData(c.data)
	if err != nil {
		return nil, err
	}

	absolute, idle := s.absoluteEnd(now), millis(c.idle)
	if c.absolute != 0 {
		absolute = now + millis(c.absolute)
	}
	row := &models.Session{
		Handle: handle, UserID: userID,
		Payload: payload, Data: data,
		CreatedAt: now, LastUsedAt: now,
		ExpiresAt: s.idleEnd(now, absolute, idle), AbsoluteExpiresAt: absolute,
		AMR: c.amr, Level: c.level, IdleMillis: idle, Flags: c.flags,
		UserAgent: boundedText(c.userAgent, maxUserAgentLen), IP: s.cfg.IPAddresses.apply(c.ip),
	}
	if c.imported {
		c.before = row.Payload
	}
	return row, s.checkFits(row, c.before)
}
