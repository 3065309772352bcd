package session

import (
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// maxForeignCookies bounds how many cookies of one request an importer is asked about:
// more than a browser has by itself, and less than would be worth sending.
const maxForeignCookies = 16

// foreignInHeader is the earlier system's token in the Authorization header. It counts
// before cookies, as one of ours does there. It is nil where it is no token of that
// system but a gateway's, say; a client that keeps its tokens itself has no other, and
// is not told to forget it.
func (x *Exchange) foreignInHeader(cookies []wire.Candidate) (*refreshToken, error) {
	request := x.response.Request()
	text := request.ForeignBearer()
	if text == "" || x.svc.cfg.Import.From == nil {
		return nil, nil //nolint:nilnil // as the comment says
	}
	tok, err := x.svc.recognise(x.ctx, text)
	if tok == nil && err == nil && len(cookies) == 0 && request.CarrierForNew() == wire.ByHeader {
		err = x.svc.refusedForeign(errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMalformed))
	}
	return tok, err
}

// foreignRefresh chooses the earlier system's token among refresh cookies of which none
// is ours; refused is what they are otherwise.
//
// A browser may have two, of an earlier Domain or path, or one that a sibling host has
// planted. One that is not replaced is preferred, as the other may be an old copy. Two
// sessions are one too many, and so is one beside an access token of ours that lives.
func (x *Exchange) foreignRefresh(cookies []wire.Candidate, refused error) (*refreshToken, error) {
	// A name with a prefix is none that an earlier system had.
	cookies = slices.DeleteFunc(slices.Clone(cookies), func(c wire.Candidate) bool { return x.svc.wire.HostBound(c.Place) })
	if len(cookies) > maxForeignCookies {
		return nil, x.foreignToken() // somebody hides one behind others
	}
	var found []*refreshToken
	for _, c := range cookies {
		tok, err := x.svc.recognise(x.ctx, c.Text)
		if err != nil {
			return nil, err
		}
		if tok != nil {
			found = append(found, tok)
		}
	}
	if len(found) == 0 {
		return nil, x.svc.refusedForeign(refused)
	}
	if good := slices.DeleteFunc(slices.Clone(found), (*refreshToken).isReplaced); len(good) > 0 {
		found = good
	}
	if slices.ContainsFunc(found, func(tok *refreshToken) bool { return tok.Handle() != found[0].Handle() }) {
		return nil, x.foreignToken()
	}
	own, err := x.ownSessions(nil)
	switch {
	case err != nil:
		return nil, err
	case len(own) > 0 && !slices.Contains(own, found[0].Handle()):
		return nil, x.foreignToken()
	}
	return found[0], nil
}

// isReplaced: the earlier system takes the token for stolen, or the session for over.
func (t *refreshToken) isReplaced() bool { return t.foreign.old.Replaced || t.foreign.old.Ended }
