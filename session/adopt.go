package session

import (
	"context"
	"fmt"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// CheckAdopt reports whether Exchange.Adopt can work, for whoever writes middleware: it
// needs Config.Import.Key. It is an [errors.ErrConfig] that says so, or
// [errors.ErrClosed].
func (s *Service) CheckAdopt() error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	if len(s.cfg.Import.Key) == 0 {
		return errors.WithReason(errors.ErrConfig, errors.New("Adopt needs Config.Import.Key and Sunset"))
	}
	return nil
}

// Adopt takes over a session that the application still keeps in another way, such as
// by scs: whoever has one and none of ours gets ours. find asks for it, and is called
// only then, for requests of a safe method, and before Config.Import.Sunset. What it
// says must be as sure as a sign-in, so it asks the earlier store and not the cookie
// alone. The result is the session that the request has now.
//
// It is nil without an error where nothing is sent: there is no earlier session, a
// session of ours may come back by a refresh, or the one that was made of it has moved
// on, or has ended. The earlier session serves the request then.
//
// Requests that come at once, of however many tabs, get the same session and the same
// refresh token; each is one SELECT, the first an INSERT more.
//
// Errors: as Create, and [errors.ErrUnauthorised] with [errors.ErrImportRefused] for
// what cannot be taken over. Nothing was sent then, and the earlier session serves the
// request too.
func (x *Exchange) Adopt(find func() (Imported, bool), opts ...CreateOption) (*Session, error) {
	if err := x.svc.CheckAdopt(); err != nil {
		return nil, err
	}
	root := x.root
	if !isSafe(x.received.Method) || x.svc.cfg.Import.over(x.svc.cfg.Now()) {
		return nil, nil //nolint:nilnil // as the comment says
	}
	if sess, err := root.there(); sess != nil || err != nil {
		return sess, nil //nolint:nilerr // what verifies the request answers it
	}
	old, ok := find()
	if !ok {
		return nil, nil //nolint:nilnil // as the comment says
	}
	sess, err := root.takeOver(&old, opts)
	x.done(x.outer, err)
	return sess, err
}

func (x *Exchange) takeOver(old *Imported, opts []CreateOption) (*Session, error) {
	by := x.response.Request().CarrierForNew()
	if x.response.Done() {
		return nil, errResponseBegun
	}
	if err := x.svc.checkHost(x.received, by); err != nil {
		return nil, err
	}
	c := creation{userAgent: x.received.UserAgent(), ip: remoteIP(x.received)}
	for _, opt := range opts {
		opt(&c)
	}
	// A header of the request's says that it wants tokens in headers, and any script of a
	// page can set it: one that got in would make a token that it can read of a cookie
	// that it cannot.
	if by == wire.ByHeader && !c.switchToHeader && x.svc.cfg.FrontEnds.Carriers != CarriersHeader {
		by = wire.ByCookie
	}
	c.noAntiCSRF = by == wire.ByHeader
	tokens, err := x.svc.adopt(x.ctx, old, &c)
	if tokens == nil || err != nil {
		return nil, err
	}
	return x.issue(tokens, by), nil
}

// adoption is what is derived from an earlier session. The user is part of it: some
// stores go on with one session when another user signs in.
type adoption struct {
	family token.Family
	secret token.Derivation
}

func (s *Service) adoptionOf(old *Imported) (adoption, error) {
	created := int64(0)
	if !old.CreatedAt.IsZero() {
		created = old.CreatedAt.UnixMilli()
	}
	switch {
	case old.Handle == "":
		return adoption{}, invalidInput(errors.New("Adopt: the earlier session has no handle"))
	case created < 0 || created > maxBegin:
		return adoption{}, invalidInput(errors.New("Adopt: CreatedAt is no time of a session"))
	}
	if err := checkUserID(old.UserID); err != nil {
		return adoption{}, err
	}
	name := fmt.Sprintf("%d:%s%s", len(old.Handle), old.Handle, old.UserID)
	return adoption{
		family: s.derivedFamily(adoptFamilyDomain, name, created, old.UserID),
		secret: s.cfg.Import.derive(adoptTokenDomain, name, created),
	}, nil
}

// adopt returns the first tokens of the session that an earlier one becomes, and nil
// where the client has, or had, later ones.
func (s *Service) adopt(ctx context.Context, old *Imported, c *creation) (*Tokens, error) {
	a, err := s.adoptionOf(old)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	row, err := s.store.Find(ctx, a.family.Handle())
	if err == nil && row == nil {
		row, err = s.adoptRow(ctx, a, old, c)
	}
	now := s.now()
	if err != nil || row == nil || !row.LiveAt(now) || row.UserID != old.UserID {
		return nil, err
	}
	tok := s.firstOf(a, row)
	if tok == nil {
		return nil, nil //nolint:nilnil // as the comment says
	}
	return s.accompany(ctx, mintRequest{
		row: row, now: now, ends: notPast(row.AbsoluteExpiresAt, row.ExpiresAt), antiCSRF: !c.noAntiCSRF,
	}, tok)
}

// firstOf makes the first refresh token of an adopted session again, as long as it is
// the current one. By which key it was sealed, the row does not say: it was one that
// still verifies.
func (s *Service) firstOf(a adoption, row *models.Session) *refreshToken {
	for _, key := range s.keys.Secrets(models.KeyForRefresh) {
		first := token.FirstRefresh(a.family, a.secret, row.Lineage.IssuedAt)
		text, hash := first.Seal(key, s.cfg.Issuer, s.cfg.Audiences[0])
		if hash.Equal(row.Lineage.Current) {
			return &refreshToken{Refresh: first, text: text, hash: hash}
		}
	}
	return nil
}

// adoptRow stores the row. Others may do the same at once: whoever is first, all read
// it.
func (s *Service) adoptRow(ctx context.Context, a adoption, old *Imported, c *creation) (*models.Session, error) {
	now := s.now()
	row, err := s.rowOf(ctx, old, a.family.Handle(), now, c)
	if err != nil || !row.LiveAt(now) {
		return nil, err
	}
	key, err := s.keys.Signing(ctx, models.KeyForRefresh)
	if err != nil {
		return nil, err
	}
	_, hash := token.FirstRefresh(a.family, a.secret, now).Seal(key, s.cfg.Issuer, s.cfg.Audiences[0])
	row.Lineage = models.Lineage{Current: hash, IssuedAt: now}
	if err := s.store.Insert(ctx, row); err != nil {
		found, readErr := s.store.Find(ctx, row.Handle)
		if readErr != nil || found == nil {
			return nil, err
		}
		return found, nil
	}
	s.emit(ctx, Event{Kind: EventImported, Handle: row.Handle, UserID: row.UserID})
	return row, nil
}
