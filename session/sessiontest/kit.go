package sessiontest

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Kit is a session service for a test, and what a test needs around it. Its
// methods are safe for concurrent use.
type Kit struct {
	// Service is what the application under test gets.
	Service *session.Service
	// Clock is the service's and the clients' idea of the time. New lets it begin at
	// noon of 1 January 2026, UTC, and it moves only when told to.
	Clock *Clock

	cfg  session.Config
	base *url.URL

	mu     sync.Mutex
	events []session.Event
}

// New makes a service with these settings on a store in memory, which ends with
// the test. Settings that are wrong end the test at once.
//
// The service goes by Kit.Clock, so that Config.Now must not be set. Without a
// Config.Logger, warnings go to the test's output. Config.OnEvent, if set, is told
// of the events that Kit.Events lists.
func New(t testing.TB, cfg session.Config) *Kit {
	t.Helper()
	return NewOn(t, memstore.New(), nil, cfg)
}

// NewOn is New on a store of the test's, such as one that fails on demand (package
// storetest), and with a clock of the test's; nil is a new one. Two kits that share
// both are two instances of one application.
func NewOn(t testing.TB, store session.Store, clock *Clock, cfg session.Config) *Kit {
	t.Helper()
	if cfg.Now != nil {
		t.Fatalf("sessiontest: Config.Now is set; move the service's time by Kit.Clock")
	}
	if clock == nil {
		clock = NewClock(time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC))
	}
	k := &Kit{Clock: clock, base: baseOf(cfg.Cookie)}
	cfg.Now = k.Clock.Now
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	told := cfg.OnEvent
	cfg.OnEvent = func(e session.Event) {
		k.mu.Lock()
		k.events = append(k.events, e)
		k.mu.Unlock()
		if told != nil {
			told(e)
		}
	}
	svc, err := session.New(t.Context(), store, cfg)
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	t.Cleanup(svc.Close)
	k.Service, k.cfg = svc, cfg

	return k
}

// baseOf is where clients find the application: a host to which its cookies go.
// Cookies that are not Secure are for the loopback interface only.
func baseOf(c session.CookieConfig) *url.URL {
	if c.Insecure {
		return &url.URL{Scheme: "http", Host: "localhost", Path: "/"}
	}
	host := cmp.Or(strings.TrimPrefix(c.Domain, "."), "example.com")
	return &url.URL{Scheme: "https", Host: host, Path: "/"}
}

// Login signs a user in and puts onto r what the user's browser would send with
// it: the access token's cookie and the anti-CSRF token, or an Authorization
// header where Config.FrontEnds.Carriers allows headers only. It returns the
// session, whose Handle names it.
//
// The session is a real one in the store and r is verified like any request:
// without its header anti-csrf it stands for one that a foreign page forged, and
// after Service.RevokeAll for one of a user who was thrown out.
func (k *Kit) Login(t testing.TB, r *http.Request, user string, opts ...session.CreateOption) *session.Session {
	t.Helper()
	c := k.Client(t, http.NotFoundHandler())
	sess := c.Login(user, opts...)
	target := *k.base
	target.Path, target.RawPath = r.URL.Path, r.URL.RawPath
	r.Host = target.Host // else it is of a host to which these cookies do not go
	c.addCredentials(r, &target)

	return sess
}

// Advance moves the clock by d.
func (k *Kit) Advance(d time.Duration) { k.Clock.Advance(d) }

// Expire moves the clock on until every access token that was handed out so far
// has expired: the next request of each client has to refresh. Sessions live on,
// unless their settings end them by then.
func (k *Kit) Expire() {
	const defaultValidity, defaultLeeway = time.Hour, 5 * time.Second
	leeway := time.Duration(0)
	if k.cfg.Leeway != session.Off {
		leeway = cmp.Or(k.cfg.Leeway, defaultLeeway)
	}
	k.Clock.Advance(cmp.Or(k.cfg.AccessTokenValidity, defaultValidity) + leeway + time.Second)
}

// Events returns what Config.OnEvent was told so far, the oldest first: of these
// kinds, or of all if none is named.
func (k *Kit) Events(kinds ...session.EventKind) []session.Event {
	k.mu.Lock()
	defer k.mu.Unlock()

	return slices.DeleteFunc(slices.Clone(k.events), func(e session.Event) bool {
		return len(kinds) > 0 && !slices.Contains(kinds, e.Kind)
	})
}

// Steal returns a thief: a client that has everything the other one has now, its
// cookies and its tokens. From here on the two go their own ways.
func (k *Kit) Steal(from *Client) *Client {
	thief := *from
	thief.jar = from.jar.Clone()

	return &thief
}

// expired reports whether the status asks a front end to refresh or to log in.
func (k *Kit) expired(r *http.Request, status int) bool {
	const loginTimeOut = 440 // of the generation that PresetRefJWT4 serves
	expired := k.cfg.SessionExpiredStatus
	if expired == 0 && k.cfg.FrontEnds.Preset == session.PresetRefJWT4 {
		expired = loginTimeOut
	}
	if f := k.cfg.SessionExpiredStatusFor; f != nil {
		expired = cmp.Or(f(r), expired)
	}
	return status == cmp.Or(expired, http.StatusUnauthorized)
}
