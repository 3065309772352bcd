package session

import (
	"context"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// maxHandles bounds how many sessions one request may name before nobody looks up
// which of them live.
const maxHandles = 4

// presentedToken is a token of a request, and the carrier it came by.
type presentedToken struct {
	text string
	by   wire.Carrier
}

// findAccess chooses the access token that counts: a bearer token of ours, else the
// cookie. A foreign Authorization header is the application's own affair.
//
// Several cookies of one name come from an earlier Domain or path, or from a sibling
// host that planted one. Only authentic ones count, and of one session the newest.
func (x *Exchange) findAccess() (presentedToken, error) {
	switch p := x.pending; {
	case p != nil && p.Removed:
		return presentedToken{}, errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)
	case p != nil:
		x.proven.Store(p.Fresh)
		return presentedToken{p.Access, p.By}, nil
	}
	if err := x.checkIDRefresh(); err != nil {
		return presentedToken{}, err
	}
	return x.chooseAccess()
}

// chooseAccess chooses among the tokens that came.
func (x *Exchange) chooseAccess() (presentedToken, error) {
	q := x.response.Request()
	bearer, cookies := q.AccessToken()
	switch {
	case bearer != "":
		return presentedToken{bearer, wire.ByHeader}, nil
	case q.Cut():
		// The browser's own may be in what was not read.
		return presentedToken{}, tryRefresh(errors.ErrTokenDuplicated)
	case len(cookies) == 1:
		return presentedToken{cookies[0].Text, wire.ByCookie}, nil
	case len(cookies) > 1:
		text, err := x.svc.newestAccess(x.ctx, cookies, x.received.Header.Get(wire.HeaderAntiCSRF))
		return presentedToken{text, wire.ByCookie}, err
	default:
		return presentedToken{}, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	}
}

// newestAccess chooses among differing cookies. Where they name several sessions, the
// one that lives counts: a sign-in ends those before it. With two that live nobody can
// tell whose browser this is, and guessing could sign the user in as somebody else;
// but a page that shows the anti-CSRF token of one tells: no other host can make it
// send that.
func (s *Service) newestAccess(ctx context.Context, cookies []wire.Candidate, antiCSRF string) (string, error) {
	authentic, undecided := s.identify(ctx, s.vouched(cookies))
	switch handles := handlesOf(authentic); {
	case len(handles) == 1:
		return newest(authentic).text, nil
	case len(handles) > 1:
		if own := shownBy(authentic, antiCSRF); len(own) > 0 {
			return newest(own).text, nil
		}
		return s.newestOfLive(ctx, authentic, handles)
	case undecided != nil:
		return "", undecided
	case !slices.ContainsFunc(cookies, func(c wire.Candidate) bool { return token.LooksLikeAccess(c.Text) }):
		return "", tryRefresh(errors.Join(errors.ErrTokenDuplicated, errors.ErrTokenMalformed))
	default:
		return "", tryRefresh(errors.ErrTokenDuplicated)
	}
}

// shownBy are the tokens that the anti-CSRF token belongs to.
func shownBy(authentic []accessCandidate, antiCSRF string) []accessCandidate {
	return slices.DeleteFunc(slices.Clone(authentic), func(a accessCandidate) bool {
		return !token.AntiCSRFMatches(antiCSRF, a.AntiCSRF)
	})
}

func (s *Service) newestOfLive(ctx context.Context, authentic []accessCandidate, handles []string) (string, error) {
	alive, err := s.living(ctx, handles)
	switch {
	case errors.Is(err, errTooMany), err == nil && len(alive) > 1:
		return "", s.ambiguous(ctx, authentic)
	case err != nil:
		return "", err
	case len(alive) == 0:
		return "", tryRefresh(errors.ErrTokenDuplicated)
	}
	return newest(slices.DeleteFunc(authentic, func(a accessCandidate) bool { return a.Handle != alive[0] })).text, nil
}

// settles is the time in which a front end repeats its request after a refresh.
const settles = 10 * time.Second

// ambiguous refuses access tokens of several sessions. A refresh removes what it can.
// If one has just been and did not help, the front end must not be sent into the next:
// it would go on forever.
func (s *Service) ambiguous(ctx context.Context, authentic []accessCandidate) error {
	if !slices.ContainsFunc(authentic, func(a accessCandidate) bool { return s.justRefreshed(a.Identity) }) {
		return tryRefresh(errors.ErrTokenDuplicated)
	}
	s.warnOfForeignAccess(ctx)
	return errors.WithReason(errors.ErrGeneral, errors.ErrTokenDuplicated)
}

func (s *Service) warnOfForeignAccess(ctx context.Context) {
	if s.warned.foreignAccess.CompareAndSwap(false, true) {
		s.cfg.Logger.WarnContext(ctx, "sessionkit: a browser sends access tokens of several sessions, which a refresh did not change;"+
			" a host of the same site may have set them, see Config.Cookie.Prefixes")
	}
}

// justRefreshed: the token comes from a refresh of this moment.
func (s *Service) justRefreshed(id token.Identity) bool {
	age := s.now() - id.IssuedAt*1000
	return id.Gen > 0 && max(age, -age) <= settles.Milliseconds()
}

// vouched are the access cookies that no other host can have set, where the names in
// use have prefixes for it and there is one; else all.
func (s *Service) vouched(cookies []wire.Candidate) []wire.Candidate {
	if !s.wire.Place.HostBound {
		return cookies
	}
	bound := slices.DeleteFunc(slices.Clone(cookies), func(c wire.Candidate) bool { return !s.wire.HostBound(c.Place) })
	if len(bound) == 0 {
		return cookies
	}
	return bound
}

// accessCandidate is an authentic access token, expired or not.
type accessCandidate struct {
	token.Identity
	text string
}

// identify returns the authentic ones among cookies, and why others could not be
// decided.
func (s *Service) identify(ctx context.Context, cookies []wire.Candidate) (authentic []accessCandidate, undecided error) {
	for _, c := range cookies {
		id, err := token.Identify(c.Text, s.verifying(ctx, models.KeyForAccess), s.cfg.Issuer, s.accepts)
		switch {
		case err == nil:
			authentic = append(authentic, accessCandidate{id, c.Text})
		case errors.Is(err, errors.ErrGeneral):
			undecided = err
		}
	}
	return authentic, undecided
}

func newest(list []accessCandidate) accessCandidate {
	return slices.MaxFunc(list, func(a, b accessCandidate) int { return a.Compare(b.Identity) })
}

func handlesOf(list []accessCandidate) (handles []string) {
	for _, a := range list {
		if !slices.Contains(handles, a.Handle) {
			handles = append(handles, a.Handle)
		}
	}
	return handles
}

// errTooMany: one request names more sessions than are looked up.
var errTooMany = errors.New("too many sessions")

// living are those of the sessions that live.
func (s *Service) living(ctx context.Context, handles []string) (alive []string, err error) {
	if len(handles) > maxHandles {
		return nil, errTooMany
	}
	for _, handle := range handles {
		_, err := s.live(ctx, handle)
		switch {
		case err == nil:
			alive = append(alive, handle)
		case !errors.Is(err, errors.ErrUnauthorised):
			return nil, err
		}
	}
	return alive, nil
}

// presented are sessions that a request came with.
type presented struct {
	handles []string
	// owners are their users, by handle, as far as a token says.
	owners map[string]string
	// heirs are those of them that may still wait to take the place of another one.
	heirs []string
}

// presented are the sessions of the request's access tokens by either carrier, expired
// or not, its own first, and those that they are to replace.
func (x *Exchange) presented() presented {
	authentic, _ := x.svc.identify(x.ctx, x.presentedTokens())
	p := presented{handles: handlesOf(authentic), owners: map[string]string{}}
	if sess := x.session.Load(); sess != nil {
		own := accessCandidate{Identity: token.Identity{
			Handle: sess.Handle(), UserID: sess.UserID(), Replaces: sess.claims.Replaces,
		}}
		p.handles = append([]string{own.Handle}, slices.DeleteFunc(p.handles, func(h string) bool { return h == own.Handle })...)
		authentic = append([]accessCandidate{own}, authentic...)
	}
	for _, a := range authentic {
		p.owners[a.Handle] = a.UserID
		if a.Replaces == "" {
			continue
		}
		if !slices.Contains(p.heirs, a.Handle) {
			p.heirs = append(p.heirs, a.Handle)
		}
		if !slices.Contains(p.handles, a.Replaces) {
			p.handles = append(p.handles, a.Replaces) // not used yet, so that one lives
		}
	}
	p.handles = p.handles[:min(len(p.handles), maxHandles)]
	p.heirs = p.heirs[:min(len(p.heirs), maxHandles)]
	return p
}

// presentedTokens are the access tokens that came, by either carrier.
func (x *Exchange) presentedTokens() []wire.Candidate {
	q := x.response.Request()
	if bearer, _ := q.AccessToken(); bearer != "" {
		return append([]wire.Candidate{{Text: bearer, Place: -1}}, q.AccessCookies()...)
	}
	return q.AccessCookies()
}

// checkIDRefresh applies what sIdRefreshToken means where it is on. It is a
// hint: it can only turn a request away.
func (x *Exchange) checkIDRefresh() error {
	front := x.svc.cfg.FrontEnds
	if front.IDRefreshCookie == SwitchOff && !front.IDRefreshMigrate {
		return nil
	}
	q := x.response.Request()
	bearer, cookies := q.AccessToken()
	missing := bearer == "" && len(cookies) == 0
	switch hinted := q.HasIDRefresh(); {
	case hinted && missing:
		return tryRefresh(errors.ErrTokenMissing)
	case hinted && front.IDRefreshMigrate:
		if cookies = append(cookies, wire.Candidate{Text: bearer}); slices.ContainsFunc(cookies, x.svc.claimsRefresh) {
			return nil // the refresh has been, and could not remove the cookie
		}
		return tryRefresh(errors.ErrTokenMissing)
	case !hinted && front.Preset == PresetRefJWT4 && bearer == "":
		x.response.Carries(wire.ByCookie, "")
		x.response.Remove("", false)
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	}
	return nil
}

// claimsRefresh: the token says that it comes from a refresh of this moment.
func (s *Service) claimsRefresh(c wire.Candidate) bool {
	id, ok := token.Claimed(c.Text)
	return ok && s.justRefreshed(id)
}

// continueFrom makes the tokens in a header the request's own: it has been answered
// once already, by a call without Protect or package middleware around it.
func (x *Exchange) continueFrom(p wire.Pending) {
	x.pending = &p
}
