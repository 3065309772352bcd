package session

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// RefreshHTTP is Refresh for a handler: it finds the refresh token in the request,
// sends the new tokens by the carrier it came by, and clears the client's tokens when
// the session of an authentic one is over. What cannot be understood is never cleared:
// it may be another application's. The answer must have the status 200: front ends
// before 4.4.1 take nothing else. Mount it for POST only.
//
// Errors: as Refresh; [errors.ErrCrossOrigin] for a request that a foreign page asked
// for; an [errors.ErrTryRefreshToken] when the cookie, if there is one, goes to a route
// of Config.Cookie.Older (WriteError sends the client there) or the proof of
// AntiCSRF.OnRefresh is missing. Answer them with WriteError.
func (s *Service) RefreshHTTP(w http.ResponseWriter, r *http.Request) (sess *Session, err error) {
	err = s.within(w, r, func(x *Exchange) error {
		sess, err = x.refresh()
		x.countRefresh(err)
		return err
	})
	return sess, err
}

// countRefresh counts how a refresh went, but for one that is sent on to an older
// route.
func (x *Exchange) countRefresh(err error) {
	if _, sentOn := errors.AsType[*elsewhere](err); !sentOn {
		x.svc.countResult(countRefreshed, err)
	}
}

func (x *Exchange) refresh() (*Session, error) {
	s, r := x.svc, x.received
	c, err := x.refreshToken(s.wire.Origins.Allows)
	if err != nil {
		return nil, err
	}
	if s.cfg.AntiCSRF.OnRefresh && c.by == wire.ByCookie {
		switch {
		case s.cfg.AntiCSRF.Mode == AntiCSRFViaFetchMetadata && !s.wire.Origins.IsOwn(r):
			return nil, s.crossOrigin(r)
		case !s.hasRefreshProof(r, c.tok):
			return nil, tryRefresh(errors.ErrAntiCSRF)
		}
	}
	return x.renew(c)
}

// carried is the refresh token of a request, and its carrier.
type carried struct {
	tok *refreshToken
	by  wire.Carrier
	// unsure: there is another that nobody can decide about now.
	unsure bool
}

// refreshToken finds the token to refresh with, in a request that meant says was meant
// if it has cookies.
func (x *Exchange) refreshToken(meant func(*http.Request) bool) (c carried, err error) {
	s, r := x.svc, x.received
	bearer, cookies := x.response.Request().RefreshToken()
	if c.tok, err = x.foreignInHeader(cookies); c.tok != nil || err != nil {
		c.by = wire.ByHeader
		x.response.Carries(c.by, "")
		return c, err
	}
	if c.by = wire.ByCookie; bearer != "" {
		c.by = wire.ByHeader
	}
	x.response.Carries(c.by, "")
	if c.by == wire.ByCookie && !meant(r) {
		return c, s.crossOrigin(r)
	}
	if err := s.checkHost(r, c.by); err != nil {
		return c, err
	}
	c.tok, c.unsure, err = x.findRefresh(bearer, cookies)
	return c, err
}

// renew exchanges the token for new ones.
func (x *Exchange) renew(c carried) (*Session, error) {
	c.tok.from = x.client()
	tokens, err := x.svc.refresh(x.ctx, c.tok, c.by == wire.ByCookie)
	if err != nil {
		if errors.Is(err, errors.ErrUnauthorised) && !errors.Is(err, errors.ErrSessionReplaced) &&
			!errors.Is(err, errors.ErrImportRefused) && !c.unsure {
			x.response.Remove("", false)
		}
		return nil, err
	}
	return x.issue(tokens, c.by), nil
}

// hasRefreshProof reports whether the page that asks knows the anti-CSRF token. What it
// knows with a token of an earlier system nobody can tell: there the origin decides.
func (s *Service) hasRefreshProof(r *http.Request, tok *refreshToken) bool {
	switch s.cfg.AntiCSRF.Mode {
	case AntiCSRFViaToken:
		if tok.foreign != nil {
			return true
		}
		return subtle.ConstantTimeCompare([]byte(r.Header.Get(wire.HeaderAntiCSRF)), []byte(token.AntiCSRFOf(tok.text))) == 1
	case AntiCSRFViaCustomHeader:
		return r.Header.Get(wire.HeaderRid) != ""
	default:
		return true
	}
}

// findRefresh chooses the refresh token that counts. It is unsure when there is
// another that nobody can decide about now: then the end of its session is no reason
// to clear anything.
func (x *Exchange) findRefresh(bearer string, cookies []wire.Candidate) (tok *refreshToken, unsure bool, err error) {
	switch {
	case bearer != "":
		tok, err = x.svc.parseRefresh(x.ctx, bearer)
		return tok, false, err
	case x.response.Request().Cut():
		return nil, false, x.foreignToken()
	case len(cookies) > 0:
		authentic, unsure, err := x.svc.authenticRefresh(x, cookies)
		if err != nil && !unsure && x.svc.cfg.Import.From != nil {
			tok, err = x.foreignRefresh(cookies, err)
			return tok, false, err
		}
		if err == nil {
			if authentic, err = x.hostBound(authentic); err == nil {
				tok, err = x.chooseRefresh(authentic)
			}
		}
		return tok, unsure, err
	}
	if to, ok := x.svc.olderRoute(x.received.URL.Path); ok {
		return nil, false, tryRefresh(&elsewhere{to})
	}
	x.dropStrayAccess()
	return nil, false, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
}

// dropStrayAccess takes away the access tokens that came to a refresh without a
// refresh token. They stay if the session of one lives, as the refresh cookie just was
// not sent here then, and if one may be another application's: it is not ours, and too
// young to be signed by a key of ours that is gone.
func (x *Exchange) dropStrayAccess() {
	presented := x.presentedTokens()
	authentic, undecided := x.svc.identify(x.ctx, presented)
	for _, c := range presented {
		if x.svc.mayBeForeign(c, authentic) {
			return
		}
	}
	alive, err := x.svc.living(x.ctx, handlesOf(authentic))
	if undecided == nil && err == nil && len(alive) == 0 {
		x.response.RemoveCarried()
	}
}

// mayBeForeign: the cookie is none of the authentic ones, and does not even look as
// those do that we made long ago.
func (s *Service) mayBeForeign(c wire.Candidate, authentic []accessCandidate) bool {
	if slices.ContainsFunc(authentic, func(a accessCandidate) bool { return a.text == c.Text }) {
		return false
	}
	id, ok := token.Claimed(c.Text)
	return !ok || s.now()-id.IssuedAt*1000 <= millis(s.cfg.AccessTokenValidity+s.cfg.Leeway)
}

// chooseRefresh chooses among the authentic tokens of the refresh cookies, one of
// which may have been planted by a sibling host, or be left from an earlier Domain or
// path: of one session the newest, and of several sessions that of the access token
// beside, if it lives.
//
// Which session an access token is of, is read without its signature: its key may be
// gone after two days, and whoever can plant a forged one can plant one of his own as
// well.
func (x *Exchange) chooseRefresh(authentic []refreshCandidate) (*refreshToken, error) {
	if len(authentic) == 0 {
		return nil, x.foreignToken()
	}
	handles := refreshHandles(authentic)
	named := slices.DeleteFunc(x.claimedHandles(), func(h string) bool { return !slices.Contains(handles, h) })
	if len(handles) == 1 && len(named) == 1 {
		return newestRefresh(authentic, handles[0]), nil
	}
	if tok, err := x.onlyLive(authentic, named); tok != nil || err != nil {
		return tok, err
	}
	// If an access token is this browser's and lives, the refresh tokens are somebody
	// else's.
	own, err := x.ownSessions(named)
	switch {
	case err != nil:
		return nil, err
	case len(own) > 0:
		// But for an answer of the session before, which came after the next one's.
		handles, err := x.continuing(handles, own)
		if err != nil || len(handles) != 1 {
			return nil, cmp.Or(err, x.foreignToken())
		}
		return newestRefresh(authentic, handles[0]), nil
	}
	rest := slices.DeleteFunc(slices.Clone(handles), func(h string) bool { return slices.Contains(named, h) })
	if len(rest) == 1 {
		return newestRefresh(authentic, rest[0]), nil
	}
	if tok, err := x.onlyLive(authentic, rest); tok != nil || err != nil {
		return tok, err
	}
	return newestRefresh(authentic, handles[0]), nil // all are over, as the refresh will find
}

// continuing are those of handles that are of the same line as the others.
func (x *Exchange) continuing(handles, others []string) (found []string, err error) {
	ctx, cancel := x.svc.bounded(x.ctx)
	defer cancel()
	for _, handle := range handles[:min(len(handles), maxHandles)] {
		ok, err := x.svc.continues(ctx, handle, others)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, handle)
		}
	}
	return found, nil
}

// onlyLive is the newest token of the one session of handles that lives; nil if none
// does.
func (x *Exchange) onlyLive(authentic []refreshCandidate, handles []string) (*refreshToken, error) {
	alive, err := x.svc.living(x.ctx, handles)
	switch {
	case errors.Is(err, errTooMany), err == nil && len(alive) > 1:
		return nil, x.foreignToken()
	case err != nil || len(alive) == 0:
		return nil, err
	}
	return newestRefresh(authentic, alive[0]), nil
}

// claimedHandles are the sessions that the access cookies claim to be of.
func (x *Exchange) claimedHandles() (handles []string) {
	for _, c := range x.svc.vouched(x.response.Request().AccessCookies()) {
		if id, ok := token.Claimed(c.Text); ok && !slices.Contains(handles, id.Handle) {
			handles = append(handles, id.Handle)
		}
	}
	return handles
}

// ownSessions are the sessions of authentic access cookies that live, but for those
// that were looked up already.
func (x *Exchange) ownSessions(known []string) (alive []string, err error) {
	access, _ := x.svc.identify(x.ctx, x.svc.vouched(x.response.Request().AccessCookies()))
	handles := slices.DeleteFunc(handlesOf(access), func(h string) bool { return slices.Contains(known, h) })
	return x.svc.living(x.ctx, handles[:min(len(handles), maxHandles)])
}

// refreshCandidate is an authentic refresh token, and where it came from.
type refreshCandidate struct {
	*refreshToken
	place int
}

// authenticRefresh are the authentic ones among cookies. That one cannot be decided is
// an error only where there is no other.
func (s *Service) authenticRefresh(x *Exchange, cookies []wire.Candidate) (authentic []refreshCandidate, unsure bool, err error) {
	var undecided, refused error
	for _, c := range cookies {
		switch tok, err := s.parseRefresh(x.ctx, c.Text); {
		case err == nil:
			authentic = append(authentic, refreshCandidate{tok, c.Place})
		case errors.Is(err, errors.ErrGeneral):
			undecided = err
		default:
			refused = err
		}
	}
	switch {
	case len(authentic) > 0:
		return authentic, undecided != nil, nil
	case undecided != nil:
		return nil, true, undecided
	default:
		return nil, false, refused
	}
}

// hostBound leaves those that the access cookie beside names, where the browser
// vouches for that cookie's host by its prefix; and those that continue what it names,
// as its answer may have come late. While Cookie.Older lists names without
// a prefix, a token under them needs no such cookie yet.
func (x *Exchange) hostBound(authentic []refreshCandidate) ([]refreshCandidate, error) {
	set := x.svc.wire
	if !set.Place.HostBound {
		return authentic, nil
	}
	var named []string
	for _, c := range x.response.Request().AccessCookies() {
		if id, ok := token.Claimed(c.Text); ok && set.HostBound(c.Place) {
			named = append(named, id.Handle)
		}
	}
	rest := slices.DeleteFunc(slices.Clone(authentic), func(tok refreshCandidate) bool {
		return (set.HostBound(tok.place) || len(named) > 0) && !slices.Contains(named, tok.Handle())
	})
	if len(rest) > 0 || len(named) == 0 {
		return rest, nil
	}
	next, err := x.continuing(refreshHandles(authentic), named)
	return slices.DeleteFunc(authentic, func(tok refreshCandidate) bool {
		return !slices.Contains(next, tok.Handle())
	}), err
}

// foreignToken refuses refresh tokens that may be somebody else's. Nothing is cleared
// and nothing refreshed.
func (x *Exchange) foreignToken() error {
	if x.svc.warned.foreignRefresh.CompareAndSwap(false, true) {
		x.svc.cfg.Logger.WarnContext(x.ctx, "sessionkit: a refresh was refused, as its cookies belong to another session than the browser's;"+
			" a host of the same site may have set them, see Config.Cookie.Prefixes")
	}
	return errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenDuplicated)
}

func refreshHandles(list []refreshCandidate) (handles []string) {
	for _, tok := range list {
		if !slices.Contains(handles, tok.Handle()) {
			handles = append(handles, tok.Handle())
		}
	}
	return handles
}

// newestRefresh is the highest generation of one session: an older copy is no theft,
// the browser just sent all it had.
func newestRefresh(list []refreshCandidate, handle string) (best *refreshToken) {
	for _, tok := range list {
		if tok.Handle() == handle && (best == nil || tok.Gen > best.Gen || tok.Gen == best.Gen && tok.IssuedAt > best.IssuedAt) {
			best = tok.refreshToken
		}
	}
	return best
}

// elsewhere is the reason of a refresh that has to be sent to an older route: the
// browser sends the cookie to no other path.
type elsewhere struct{ to string }

func (e *elsewhere) Error() string { return "the refresh cookie goes to another route" }

// olderRoute is the route to try after path: those of Cookie.Older follow RefreshPath.
func (s *Service) olderRoute(path string) (string, bool) {
	routes := s.RefreshPaths()
	at := slices.Index(routes, path)
	if at < 0 || at+1 == len(routes) {
		return "", false
	}
	return routes[at+1], true
}

// RefreshPaths are the paths of the refresh route: Config.Cookie.RefreshPath, then the
// older ones.
func (s *Service) RefreshPaths() []string {
	paths := []string{s.cfg.Cookie.RefreshPath}
	for _, o := range s.cfg.Cookie.Older {
		if !slices.Contains(paths, o.RefreshPath) {
			paths = append(paths, o.RefreshPath)
		}
	}
	return paths
}
