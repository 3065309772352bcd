package session

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// ReplaceOption changes what [Session.Replace] makes. Every [CreateOption] is one: what
// it says takes the place of what the session had. Those about how a sign-in is asked
// for or answered say nothing here.
type ReplaceOption interface{ applyTo(c *creation) }

func (o CreateOption) applyTo(c *creation) { o(c) }

// replaceOption is a ReplaceOption that no sign-in takes.
type replaceOption func(*creation)

func (o replaceOption) applyTo(c *creation) { o(c) }

// As signs a visitor in: the next session is userID's, who has just proven to be that.
// It begins anew, with the lifetimes of a sign-in and without the visitor's payload; it
// keeps the data, or what [MergeData] makes of that, and the device. It counts against
// Config.MaxSessions, and is an EventCreated. A session that is not a visitor's is
// refused, as nothing may pass from one user to another.
func As(userID string) ReplaceOption {
	return replaceOption(func(c *creation) { c.as = &userID })
}

// MergeData has merge make the data of the next session out of what the old one had
// (nil when there was none): for a cart that is added to one that the user had. With a
// lost answer it is called again, for another session: it must change nothing itself.
// Its error is that of Replace.
func MergeData(merge func(old json.RawMessage) (any, error)) ReplaceOption {
	return replaceOption(func(c *creation) { c.merge = merge })
}

// kept stands for a payload or data that no option speaks of.
type kept struct{}

// Replace continues the session under new tokens: the next session has another handle,
// and what this one has, but for what the options say. It is for the moments at which
// an attacker's copy of the tokens must become worthless: after a proof of identity (a
// step-up, see [Authenticated] and [Level]), after a change of password, at the sign-in
// of a visitor ([As]), and when a privilege is dropped ([ReplaceAtOnce]).
//
// Call it only after such a proof, or to take something away: whoever has stolen an
// access token would else get a session of its own.
//
// The tokens are sent in the response at hand, whose session is the next one from now
// on; without HTTP the caller must pass them on. Go on with [Tokens.Session]: what is
// written to this one later, is lost with it. The old session ends by the first use
// of the new tokens, so a lost answer costs nothing: the client goes on with the old
// ones. Until then the next session is in no list. It is over with the old one when
// that is ended by a sign-out, RevokeAll, theft or anything else.
//
// Two tabs that replace at once get a session each, of which the one that the browser
// keeps goes on. A fourth call within a minute whose tokens nobody uses is an
// [errors.ErrUnavailable] with [errors.ErrConflict].
//
// Errors: as [Session.MergePayload] and Create; [errors.ErrInvalidInput] for As where
// this is no visitor's session, and for a WithLifetime that has passed since the
// sign-in; that of MergeData.
func (s *Session) Replace(ctx context.Context, opts ...ReplaceOption) (*Tokens, error) {
	if err := s.svc.checkOpen(); err != nil {
		return nil, err
	}
	c := creation{payload: kept{}, data: kept{}}
	for _, opt := range opts {
		opt.applyTo(&c)
	}
	s.merging.Lock()
	defer s.merging.Unlock()
	claims, _ := s.snapshot()
	by := wire.ByHeader
	if s.exchange != nil {
		if s.exchange.response.Done() {
			return nil, errResponseBegun
		}
		by = s.exchange.response.Carrier()
	} else if !claims.AntiCSRF.IsZero() {
		by = wire.ByCookie
	}
	c.noAntiCSRF = by == wire.ByHeader
	var device *signInDevice
	if c.as != nil && s.exchange != nil {
		device = s.exchange.device(by, 0)
		c.newDevice = device.isNewTo(*c.as)
	}
	tokens, err := s.svc.replaceSession(ctx, s, &c)
	if c.as != nil {
		s.svc.countResult(countSignedIn, err)
	}
	if err != nil {
		return nil, s.clearIfEnded(err)
	}
	if s.exchange != nil {
		s.exchange.issue(tokens, by)
		device.remember(tokens.Session.UserID())
	}
	return tokens, nil
}

// maxPending is how many sessions may wait to take the place of one.
const maxPending = 3

// replaceSession makes the session that continues sess.
func (s *Service) replaceSession(ctx context.Context, sess *Session, c *creation) (*Tokens, error) {
	old, err := s.live(ctx, sess.Handle())
	if err != nil {
		return nil, err
	}
	if err := s.keepWhatIsUnsaid(ctx, old, c); err != nil {
		return nil, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	r := replacement{Service: s, old: old, c: c, origin: old.Handle}
	if old.Flags.Has(models.FlagPending) {
		r.origin = cmp.Or(sess.standsFor, old.Origin) // what it is to replace itself
	}
	if err := r.makeRow(ctx); err != nil {
		return nil, err
	}
	return r.run(ctx)
}

// keepWhatIsUnsaid completes the options with what the row has. The application's own
// functions run under its own context.
func (s *Service) keepWhatIsUnsaid(ctx context.Context, old *models.Session, c *creation) error {
	userID := old.UserID
	if c.as != nil {
		userID = *c.as
		if err := checkUserID(userID); err != nil {
			return err
		}
		if !old.Flags.Has(models.FlagAnonymous) {
			return invalidInput(errors.New("As: the session is not a visitor's, and nothing passes from one user to another"))
		}
	}
	if _, ok := c.payload.(kept); ok {
		c.payload = rawOr(old.Payload)
		if c.as != nil {
			c.payload = Undefined{}
		}
	}
	if c.as == nil {
		c.before = old.Payload
		c.flags |= old.Flags & models.FlagAnonymous // who has proven nothing: see checkAssurance
	}
	if c.merge != nil {
		data, err := c.merge(slices.Clone(old.Data))
		if err != nil {
			return err
		}
		c.data = data
	} else if _, ok := c.data.(kept); ok {
		c.data = rawOr(old.Data)
	}
	return s.addMembers(ctx, userID, c)
}

// rawOr is a stored JSON text as a value; none is Undefined.
func rawOr(text []byte) any {
	if text == nil {
		return Undefined{}
	}
	return json.RawMessage(text)
}

// replacement is a Replace under way.
type replacement struct {
	*Service
	old *models.Session
	c   *creation
	// origin is the session whose place the next one takes.
	origin string

	now    int64
	family token.Family
	row    *models.Session
	limit  entry
}

// makeRow makes the next session's row but for its refresh token.
func (r *replacement) makeRow(ctx context.Context) (err error) {
	r.now = r.Service.now()
	userID := r.old.UserID
	if r.c.as != nil {
		userID = *r.c.as
		if r.limit, err = r.enter(ctx, userID, []string{r.old.Handle, r.origin}); err != nil {
			return err
		}
	}
	r.family = r.newFamily(r.now, userID)
	if r.row, err = r.newRow(userID, r.family.Handle(), r.now, r.c); err != nil {
		return err
	}
	row, old := r.row, r.old
	row.Origin, row.Flags = r.origin, row.Flags|models.FlagPending
	row.UserAgent, row.IP = cmp.Or(row.UserAgent, old.UserAgent), cmp.Or(row.IP, old.IP)
	if r.c.as != nil {
		row.Flags |= models.FlagSignIn
		r.limit.date(row)
	} else {
		r.inheritLife()
	}
	if r.c.absolute != 0 && row.AbsoluteExpiresAt-r.now < millis(minAccessValidity) {
		// Its tokens would be over when they come, and take the place of the old ones.
		return invalidInput(errors.New("WithLifetime: the session is older than that, counted from its sign-in"))
	}
	return r.checkFits(row, r.c.before)
}

// inheritLife gives the row the life of the old session, which a proof of identity does
// not lengthen.
func (r *replacement) inheritLife() {
	row, old := r.row, r.old
	if row.AbsoluteExpiresAt = old.AbsoluteExpiresAt; r.c.absolute != 0 {
		row.AbsoluteExpiresAt = old.CreatedAt + millis(r.c.absolute)
		if old.AbsoluteExpiresAt != 0 {
			row.AbsoluteExpiresAt = min(row.AbsoluteExpiresAt, old.AbsoluteExpiresAt)
		}
	}
	row.CreatedAt, row.Label, row.DataVersion = old.CreatedAt, old.Label, old.DataVersion
	if row.Flags |= old.Flags; !old.Flags.Has(models.FlagPending) {
		row.Flags &^= models.FlagSignIn
	}
	row.IdleMillis = cmp.Or(row.IdleMillis, old.IdleMillis)
	if r.c.proven {
		row.AuthAt = r.now
	} else {
		row.AuthAt, row.AMR = old.AuthAt, old.AMR
	}
	if !r.c.leveled {
		row.Level = old.Level
	}
	row.ExpiresAt = r.idleEnd(r.now, row.AbsoluteExpiresAt, row.IdleMillis)
}

// run stores the row and makes its tokens.
func (r *replacement) run(ctx context.Context) (*Tokens, error) {
	row := r.row
	if err := r.makeRoom(ctx); err != nil {
		return nil, err
	}
	signed := *row
	if r.c.atOnce {
		signed.Flags &^= models.FlagPending
	} else {
		// Until it is used it lives no longer than the row that says what became of
		// the session before it.
		row.ExpiresAt = min(row.ExpiresAt, r.old.ExpiresAt)
		signed.ExpiresAt = row.ExpiresAt
	}
	tokens, hash, err := r.mint(ctx, mintRequest{
		row: &signed, family: r.family, now: r.now, ends: signed.ExpiresAt, antiCSRF: !r.c.noAntiCSRF,
	})
	if err != nil {
		return nil, err
	}
	row.Lineage = models.Lineage{Current: hash, IssuedAt: r.now}
	if err := r.store.Insert(ctx, row); err != nil {
		r.limit.withdraw(ctx, row)
		return nil, err
	}
	if err := r.limit.settle(ctx, row); err != nil {
		return nil, err
	}
	finish := r.stillContinues
	if r.c.atOnce {
		finish = r.takeAtOnce
	}
	if err := finish(ctx); err != nil {
		return nil, err
	}
	if r.c.as != nil {
		r.emit(ctx, Event{Kind: EventCreated, Handle: row.Handle, UserID: row.UserID, NewDevice: r.c.newDevice})
	}
	return tokens, nil
}

// waiting are the sessions that wait for the same place.
func (r *replacement) waiting(ctx context.Context) ([]models.Session, error) {
	page, err := r.store.List(ctx, models.SessionsOfUser{
		UserID: r.row.UserID, Now: r.now, From: models.Position{CreatedAt: r.old.CreatedAt}, Limit: maxPage,
	})
	return slices.DeleteFunc(page.Sessions, func(row models.Session) bool {
		return !row.Flags.Has(models.FlagPending) || row.Origin != r.origin || row.Handle == r.row.Handle
	}), err
}

// makeRoom ends the oldest of those that wait for the same place where there are too
// many. One whose answer may be under way is left alone. ReplaceAtOnce ends all of them
// later.
func (r *replacement) makeRoom(ctx context.Context) error {
	if r.c.atOnce {
		return nil
	}
	siblings, err := r.waiting(ctx)
	if err != nil || len(siblings) < maxPending {
		return err
	}
	oldest := slices.MinFunc(siblings, func(a, b models.Session) int {
		return cmp.Or(cmp.Compare(a.LastUsedAt, b.LastUsedAt), cmp.Compare(a.Handle, b.Handle))
	})
	if r.now-oldest.LastUsedAt <= lineage.Overlap {
		return errors.WithReason(errors.ErrUnavailable, errors.ErrConflict)
	}
	_, err = r.takePlace(ctx, oldest.Handle, heirOf(r.row))
	return err
}

// stillContinues looks again at the session before, now that the row is there. If that
// has ended meanwhile, this came too late: a ReplaceAtOnce has ended what it found
// waiting, and what it gave up must not come back.
func (r *replacement) stillContinues(ctx context.Context) error {
	old, err := r.store.Find(ctx, r.old.Handle)
	if err != nil || old != nil && old.LiveAt(r.Service.now()) {
		return err
	}
	return r.tooLate(ctx, old)
}

// tooLate ends the row, whose tokens nobody has.
func (r *replacement) tooLate(ctx context.Context, before *models.Session) error {
	ctx, cancel := r.detached(ctx)
	defer cancel()
	if _, err := r.revokeSurely(ctx, models.Revocation{
		Handle: r.row.Handle, Reason: models.RevokedByReplacement, Successor: r.origin, Now: r.Service.now(),
	}); err != nil {
		return err
	}
	return ended(before)
}
