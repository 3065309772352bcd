package session

import (
	"crypto/subtle"
	"net/http"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// RefreshHTTP is Refresh for a handler: it finds the refresh token in the
// request, sends the new tokens by the carrier it came by, and clears the
// client's tokens when the session of an authentic one is over. What cannot be understood
// is never cleared: it may be another application's. The answer must have the status 200:
// front ends before 4.4.1 take nothing else. Mount it for POST only.
//
// Errors: as Refresh; errors.ErrCrossOrigin for a request that a foreign page asked for; an
// errors.ErrTryRefreshToken when the cookie, if there is one, goes to a route of
// Config.Cookie.Older (WriteError sends the client there) or the proof of AntiCSRF.OnRefresh is
// missing. Answer them with WriteError.
func (s *Service) RefreshHTTP(w http.ResponseWriter, r *http.Request) (sess *Session, err error) {
	err = s.within(w, r, func(x *Exchange) error {
		sess, err = x.refresh()
		return err
	})
	return sess, err
}

func (x *Exchange) refresh() (*Session, error) {
	s, r := x.svc, x.received
	bearer, cookies := x.response.Request().RefreshToken()
	by := wire.ByCookie
	if bearer != "" {
		by = wire.ByHeader
	}
	x.response.Carries(by, "")
	if by == wire.ByCookie && !s.wire.Origins.Allows(r) {
		return nil, s.crossOrigin(r)
	}
	if err := s.checkHost(r, by); err != nil {
		return nil, err
	}
	tok, err := x.findRefresh(bearer, cookies)
	if err != nil {
		return nil, err
	}
	if s.cfg.AntiCSRF.OnRefresh && by == wire.ByCookie && !s.hasRefreshProof(r, tok) {
		return nil, tryRefresh(errors.ErrAntiCSRF)
	}
	tokens, err := s.refresh(x.Context, tok, by == wire.ByCookie)
	if err != nil {
		if errors.Is(err, errors.ErrUnauthorised) && !errors.Is(err, errors.ErrSessionReplaced) {
			x.response.Remove("", false)
		}
		return nil, err
	}
	return x.issue(tokens, by), nil
}

// hasRefreshProof reports whether the page that asks knows the anti-CSRF token.
func (s *Service) hasRefreshProof(r *http.Request, tok *refreshToken) bool {
	switch s.cfg.AntiCSRF.Mode {
	case AntiCSRFViaToken:
		return subtle.ConstantTimeCompare([]byte(r.Header.Get(wire.HeaderAntiCSRF)), []byte(token.AntiCSRFOf(tok.text))) == 1
	case AntiCSRFViaCustomHeader:
		return r.Header.Get(wire.HeaderRid) != ""
	default:
		return true
	}
}

// findRefresh chooses the refresh token that counts.
func (x *Exchange) findRefresh(bearer string, cookies []wire.Candidate) (*refreshToken, error) {
	switch {
	case bearer != "":
		return x.svc.parseRefresh(x.Context, bearer)
	case len(cookies) > 0:
		return x.chooseRefresh(cookies)
	case x.response.Request().Cut():
		return nil, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenDuplicated)
	}
	if to, ok := x.svc.olderRoute(x.received.URL.Path); ok {
		return nil, tryRefresh(&elsewhere{to})
	}
	x.dropStrayAccess()
	return nil, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
}

// dropStrayAccess takes away an access token that came to a refresh without a refresh token,
// unless its session lives: then the refresh cookie just was not sent here.
func (x *Exchange) dropStrayAccess() {
	for _, handle := range x.presentedHandles() {
		if _, err := x.svc.live(x.Context, handle); !errors.Is(err, errors.ErrUnauthorised) {
			return
		}
	}
	x.response.RemoveCarried()
}

// chooseRefresh chooses among cookies of one name, one of which may have been planted by a
// sibling host, or be left from an earlier Domain or path. Only authentic ones count, of one
// session the newest, and of several sessions that of the access token beside.
func (x *Exchange) chooseRefresh(cookies []wire.Candidate) (*refreshToken, error) {
	authentic, err := x.svc.authenticRefresh(x, cookies)
	if err != nil {
		return nil, err
	}
	if authentic = x.hostBound(authentic); len(authentic) == 0 {
		return nil, x.foreignToken()
	}
	ofRefresh := refreshHandles(authentic)
	access, _ := x.svc.identify(x.Context, x.response.Request().AccessCookies())
	both := slices.DeleteFunc(handlesOf(access), func(handle string) bool { return !slices.Contains(ofRefresh, handle) })
	switch {
	case len(both) == 1 && len(ofRefresh) == 1:
		return newestRefresh(authentic, both[0]), nil
	case len(both) > 0:
		return x.chooseLive(authentic, both)
	}
	// No access token goes with any of them. If one is this browser's and lives, the refresh
	// tokens are somebody else's.
	for _, handle := range handlesOf(access)[:min(len(handlesOf(access)), maxHandles)] {
		switch _, err := x.svc.live(x.Context, handle); {
		case err == nil:
			return nil, x.foreignToken()
		case !errors.Is(err, errors.ErrUnauthorised):
			return nil, err
		}
	}
	return x.chooseLive(authentic, ofRefresh)
}

// chooseLive is the newest token of the one session that lives. A single session needs no look.
func (x *Exchange) chooseLive(authentic []refreshCandidate, handles []string) (*refreshToken, error) {
	if len(handles) == 1 {
		return newestRefresh(authentic, handles[0]), nil
	}
	handle, err := x.svc.onlyLive(x.Context, handles)
	switch {
	case err == nil:
		return newestRefresh(authentic, handle), nil
	case errors.Is(err, errors.ErrTryRefreshToken):
		return nil, x.foreignToken()
	default:
		return nil, err
	}
}

// refreshCandidate is an authentic refresh token, and where it came from.
type refreshCandidate struct {
	*refreshToken
	place int
}

// authenticRefresh are the authentic ones among cookies. That one cannot be decided counts
// only where there is no other.
func (s *Service) authenticRefresh(x *Exchange, cookies []wire.Candidate) (authentic []refreshCandidate, err error) {
	var undecided, refused error
	for _, c := range cookies {
		switch tok, err := s.parseRefresh(x.Context, c.Text); {
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
		return authentic, nil
	case undecided != nil:
		return nil, undecided
	default:
		return nil, refused
	}
}

// hostBound leaves those that the access cookie beside names, where the browser vouches for
// that cookie's host by its prefix. It is read without its signature: its key may be gone after
// two days, and nobody but this host can have set it.
func (x *Exchange) hostBound(authentic []refreshCandidate) []refreshCandidate {
	set := x.svc.wire
	bound := func(place int) bool {
		if place < 0 {
			return set.Place.HostBound
		}
		return set.Older[place].HostBound
	}
	var named []string
	for _, c := range x.response.Request().AccessCookies() {
		if bound(c.Place) {
			if handle, ok := token.ClaimedHandle(c.Text); ok {
				named = append(named, handle)
			}
		}
	}
	return slices.DeleteFunc(authentic, func(tok refreshCandidate) bool {
		return bound(tok.place) && !slices.Contains(named, tok.Handle())
	})
}

// foreignToken refuses refresh tokens that may be somebody else's. Nothing is cleared and
// nothing refreshed.
func (x *Exchange) foreignToken() error {
	if x.svc.warned.foreignRefresh.CompareAndSwap(false, true) {
		x.svc.cfg.Logger.WarnContext(x.Context, "sessionkit: a refresh was refused, as its cookies belong to another session than the browser's;"+
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

// newestRefresh is the highest generation of one session: an older copy is no theft, the
// browser just sent all it had.
func newestRefresh(list []refreshCandidate, handle string) (best *refreshToken) {
	for _, tok := range list {
		if tok.Handle() == handle && (best == nil || tok.Gen > best.Gen || tok.Gen == best.Gen && tok.IssuedAt > best.IssuedAt) {
			best = tok.refreshToken
		}
	}
	return best
}

// elsewhere is the reason of a refresh that has to be sent to an older route: the browser
// sends the cookie to no other path.
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

// RefreshPaths are the paths of the refresh route: Config.Cookie.RefreshPath, then the older ones.
func (s *Service) RefreshPaths() []string {
	paths := []string{s.cfg.Cookie.RefreshPath}
	for _, o := range s.cfg.Cookie.Older {
		if !slices.Contains(paths, o.RefreshPath) {
			paths = append(paths, o.RefreshPath)
		}
	}
	return paths
}
