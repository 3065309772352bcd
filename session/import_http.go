package session

import (
	"cmp"
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
// is ours; refused is what they are otherwise. One that is not replaced is preferred,
// as the other may be an old copy.
func (x *Exchange) foreignRefresh(cookies []wire.Candidate, refused error) (*refreshToken, error) {
	found, err := x.foreignAmong(cookies)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, x.svc.refusedForeign(refused)
	}
	if good := notReplaced(found); len(good) > 0 {
		found = good
	}
	return x.oneForeign(found)
}

// foreignAmong are the earlier system's tokens among cookies. A name with a prefix is
// none that an earlier system had.
func (x *Exchange) foreignAmong(cookies []wire.Candidate) (found []*refreshToken, err error) {
	cookies = slices.DeleteFunc(slices.Clone(cookies), func(c wire.Candidate) bool { return x.svc.wire.HostBound(c.Place) })
	if len(cookies) > maxForeignCookies {
		return nil, x.foreignToken() // somebody hides one behind others
	}
	for _, c := range cookies {
		tok, err := x.svc.recognise(x.ctx, c.Text)
		if err != nil {
			return nil, err
		}
		if tok != nil {
			found = append(found, tok)
		}
	}
	return found, nil
}

// oneForeign is the first of tokens if they are of one session. A browser may have
// several, of an earlier Domain or path, or one that a sibling host has planted. Two
// sessions are one too many, and so is one beside an access token of ours that lives.
func (x *Exchange) oneForeign(found []*refreshToken) (*refreshToken, error) {
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

// notReplaced leaves out what the earlier system takes for stolen, or for over.
func notReplaced(found []*refreshToken) []*refreshToken {
	return slices.DeleteFunc(slices.Clone(found), func(tok *refreshToken) bool {
		return tok.foreign.old.Replaced || tok.foreign.old.Ended
	})
}

// instead is the earlier system's token to go on with where the session of c is over,
// or nil. A sibling host may have planted a token of ours whose session has ended, and
// must not end one thereby that has not come over yet.
//
// Only that counts. What was used here, or ended here, has a row that says so: a cookie
// that nobody has removed neither brings it back nor looks like theft. And a session
// that ended within the last minute may have ended in this very browser, whose next
// tokens are on their way: nobody can tell then, and the client comes again.
func (x *Exchange) instead(c carried) (*refreshToken, error) {
	if len(c.others) == 0 {
		return nil, nil //nolint:nilnil // as the comment says
	}
	found, err := x.foreignAmong(c.others)
	if found = notReplaced(found); err != nil || len(found) == 0 {
		return nil, err
	}
	tok, err := x.oneForeign(found)
	if err != nil {
		return nil, err
	}
	ctx, cancel := x.svc.bounded(x.ctx)
	defer cancel()
	there, err := x.svc.store.Find(ctx, tok.Handle())
	if err != nil || there != nil && (!there.LiveAt(x.svc.now()) || !tok.foreign.currentAt(there)) {
		return nil, err
	}
	over, err := x.svc.store.Find(ctx, c.tok.Handle())
	if err == nil && over != nil && over.RevokedAt != 0 && x.svc.now()-over.RevokedAt < millis(oneRequest) {
		err = errors.WithReason(errors.ErrUnavailable, errors.ErrTokenDuplicated)
	}
	if err != nil {
		return nil, err
	}
	return tok, nil
}

// provenInstead is what to refresh with where the page shows no proof for the token of
// ours: the earlier system's, which needs none, if the session of ours is over.
func (x *Exchange) provenInstead(c carried) (carried, error) {
	refused := tryRefresh(errors.ErrAntiCSRF)
	if len(c.others) == 0 || x.svc.cfg.AntiCSRF.Mode != AntiCSRFViaToken {
		return c, refused
	}
	alive, err := x.svc.living(x.ctx, []string{c.tok.Handle()})
	if err != nil || len(alive) > 0 {
		return c, cmp.Or(err, refused)
	}
	tok, err := x.instead(c)
	if tok == nil {
		return c, cmp.Or(err, refused)
	}
	return carried{tok: tok, by: c.by}, nil
}
