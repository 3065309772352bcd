package session

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// anonymousPrefix begins the user ids of visitors' sessions.
const anonymousPrefix = "anon:"

// anonymousIdle is how long a visitor's session lives without use, unless WithLifetime
// says otherwise: each is a row, and most visitors never come back.
const anonymousIdle = 30 * day

// CreateAnonymous starts a session for a visitor, who has proven nothing: for a cart
// before the sign-in, which [Session.Replace] with [As] keeps. Its user id is a random
// one that begins with "anon:", and [Session.Anonymous] is true. It lives for 30 days
// without use (RefreshTokenValidity if that is shorter), or as WithLifetime says.
//
// It is an INSERT for each visitor, and visitors may be robots: call it when there is
// something to keep, such as the first thing in a cart, and limit how often. Where a
// visitor has nothing to keep, VerifyOptional costs nothing.
//
// Errors: as Create. Handlers use CreateAnonymousHTTP or middleware.CreateAnonymous.
func (s *Service) CreateAnonymous(ctx context.Context, opts ...CreateOption) (*Tokens, error) {
	return s.Create(ctx, newVisitor(), s.anonymous(opts)...)
}

// CreateAnonymousHTTP is CreateAnonymous for a handler; see CreateHTTP. Where the
// request has a session already, a visitor's or a user's, that is the result, and none
// is made: it is verified if nobody has done so. Errors: as CreateHTTP and VerifyHTTP.
func (s *Service) CreateAnonymousHTTP(w http.ResponseWriter, r *http.Request, opts ...CreateOption) (sess *Session, err error) {
	err = s.within(w, r, func(x *Exchange) error {
		if sess, err = x.there(); sess != nil || err != nil {
			return err
		}
		if hasBegun(w) {
			return errResponseBegun
		}
		sess, err = x.create(newVisitor(), s.anonymous(opts))
		return err
	})
	return sess, err
}

// CreateAnonymous is Service.CreateAnonymousHTTP for the request of x.
func (x *Exchange) CreateAnonymous(opts ...CreateOption) (*Session, error) {
	var sess *Session
	err := x.svc.checkOpen()
	if err == nil {
		sess, err = x.root.there()
	}
	if err == nil && sess == nil {
		sess, err = x.root.create(newVisitor(), x.svc.anonymous(opts))
	}
	x.done(x.outer, err)
	return sess, err
}

// there is the session that the request has, or nil. One that a refresh may bring back
// is an error: a visitor's session in its place would sign the user out.
func (x *Exchange) there() (*Session, error) {
	if sess := x.session.Load(); sess != nil {
		if sess.over.Load() {
			return nil, nil //nolint:nilnil // this request ended it
		}
		return sess, nil
	}
	sess, err := x.verify(x.svc.demandsOf([]VerifyOption{Optional()}))
	if errors.Is(err, errors.ErrUnauthorised) {
		return nil, nil //nolint:nilnil // it is over
	}
	return sess, err
}

func newVisitor() string { return anonymousPrefix + rand.Text() }

func (s *Service) anonymous(opts []CreateOption) []CreateOption {
	return append([]CreateOption{func(c *creation) {
		c.flags |= models.FlagAnonymous
		c.idle = min(anonymousIdle, s.cfg.RefreshTokenValidity)
	}}, opts...)
}

// Anonymous reports whether this is a visitor's session: see CreateAnonymous.
func (s *Session) Anonymous() bool {
	claims, _ := s.snapshot()
	return claims.Flags.Has(models.FlagAnonymous)
}
