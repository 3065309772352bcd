package session

import (
	"context"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// maxHandles bounds how many sessions one request may name before nobody looks up which of
// them live.
const maxHandles = 4

// found is a token of a request, and the carrier it came by.
type found struct {
	text string
	by   wire.Carrier
}

// findAccess chooses the access token that counts: a bearer token of ours, else the
// cookie. A foreign Authorization header is the application's own affair.
//
// Several cookies of one name come from an earlier Domain or path, or from a sibling host that
// planted one. Only authentic ones count, and of one session the newest.
func (x *Exchange) findAccess() (found, error) {
	switch p := x.pending; {
	case p != nil && p.Removed:
		return found{}, errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)
	case p != nil:
		x.proven.Store(p.Fresh)
		return found{p.Access, p.By}, nil
	}
	if err := x.checkIDRefresh(); err != nil {
		return found{}, err
	}
	bearer, cookies := x.response.Request().AccessToken()
	switch {
	case bearer != "":
		return found{bearer, wire.ByHeader}, nil
	case len(cookies) == 1:
		return found{cookies[0].Text, wire.ByCookie}, nil
	case len(cookies) > 1:
		text, err := x.svc.newestAccess(x.Context, cookies)
		return found{text, wire.ByCookie}, err
	case x.response.Request().Cut():
		return found{}, tryRefresh(errors.ErrTokenDuplicated)
	default:
		return found{}, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	}
}

// newestAccess chooses among differing cookies. Where they name several sessions, the
// one that lives counts: a sign-in ends those before it. With two that live nobody can tell
// whose browser this is, and guessing could sign the user in as somebody else.
func (s *Service) newestAccess(ctx context.Context, cookies []wire.Candidate) (string, error) {
	authentic, undecided := s.identify(ctx, cookies)
	switch handles := handlesOf(authentic); {
	case len(handles) == 0 && undecided != nil:
		return "", undecided
	case len(handles) == 0:
		return "", tryRefresh(errors.ErrTokenDuplicated)
	case len(handles) == 1:
		return newest(authentic).text, nil
	default:
		handle, err := s.onlyLive(ctx, handles)
		if err != nil {
			return "", err
		}
		return newest(slices.DeleteFunc(authentic, func(a accessCandidate) bool { return a.Handle != handle })).text, nil
	}
}

// accessCandidate is an authentic access token, expired or not.
type accessCandidate struct {
	token.Identity
	text string
}

// identify returns the authentic ones among cookies, and why others could not be decided.
func (s *Service) identify(ctx context.Context, cookies []wire.Candidate) (authentic []accessCandidate, undecided error) {
	for _, c := range cookies {
		id, err := token.Identify(c.Text, s.verifying(ctx, models.KeyForAccess), s.cfg.Issuer, s.cfg.Audience)
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
	return slices.MaxFunc(list, func(a, b accessCandidate) int { return a.Identity.Compare(b.Identity) })
}

func handlesOf(list []accessCandidate) (handles []string) {
	for _, a := range list {
		if !slices.Contains(handles, a.Handle) {
			handles = append(handles, a.Handle)
		}
	}
	return handles
}

// onlyLive is the one of several sessions that lives.
func (s *Service) onlyLive(ctx context.Context, handles []string) (string, error) {
	if len(handles) > maxHandles {
		return "", tryRefresh(errors.ErrTokenDuplicated)
	}
	var alive []string
	for _, handle := range handles {
		_, err := s.live(ctx, handle)
		switch {
		case err == nil:
			alive = append(alive, handle)
		case !errors.Is(err, errors.ErrUnauthorised):
			return "", err
		}
	}
	if len(alive) != 1 {
		return "", tryRefresh(errors.ErrTokenDuplicated)
	}
	return alive[0], nil
}

// presentedHandles are the sessions of the request's access tokens, expired or not.
func (x *Exchange) presentedHandles() []string {
	if sess := x.session.Load(); sess != nil {
		return []string{sess.Handle()}
	}
	bearer, cookies := x.response.Request().AccessToken()
	if bearer != "" {
		cookies = []wire.Candidate{{Text: bearer}}
	}
	authentic, _ := x.svc.identify(x.Context, cookies)
	handles := handlesOf(authentic)
	return handles[:min(len(handles), maxHandles)]
}

// checkIDRefresh applies what sIdRefreshToken means where it is on. It is a
// hint: it can only turn a request away.
func (x *Exchange) checkIDRefresh() error {
	front := x.svc.cfg.FrontEnds
	if front.IDRefreshCookie < IDRefreshCookieAuto {
		return nil
	}
	q := x.response.Request()
	bearer, cookies := q.AccessToken()
	missing := bearer == "" && len(cookies) == 0
	switch hinted := q.HasIDRefresh(); {
	case hinted && (missing || front.IDRefreshCookie == IDRefreshCookieLegacyMigrate):
		return tryRefresh(errors.ErrTokenMissing)
	case !hinted && front.Preset == PresetRefJWT4 && bearer == "":
		x.response.Carries(wire.ByCookie, "")
		x.response.Remove("", false)
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	}
	return nil
}

// continueFrom makes the tokens in a header the request's own: it has been answered once
// already, by a call without Protect or package middleware around it.
func (x *Exchange) continueFrom(p wire.Pending) {
	x.pending = &p
}
