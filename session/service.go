package session

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/counts"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/theft"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Service creates, verifies, refreshes and revokes sessions. It is safe for
// concurrent use. Make one with New.
type Service struct {
	cfg    Config
	store  Store
	keys   *keyring.Ring
	cache  *token.Cache[feed.Memo] // nil when off
	thefts *theft.Teller           // nil when nobody wants to know
	// diagnoses looks at the database for Doctor; nil where the store cannot.
	diagnoses diagnosing
	// accepts are the audiences whose access tokens are taken.
	accepts []string
	hints   hints
	counts  *counts.Set
	stop    context.CancelFunc
	worker  sync.WaitGroup

	// wire is what of the configuration concerns requests and responses.
	wire *wire.Settings

	// warned holds what the log says once: anybody can cause it.
	warned struct{ foreignHost, foreignOrigin, foreignDomain, plainHTTP, foreignRefresh, foreignAccess, foreignPath atomic.Bool }
	// failedAt is when a failure was logged last, unlogged how many there were since.
	failedAt, unlogged atomic.Int64

	open    atomic.Bool // false before New and after Close
	closing atomic.Bool
	closed  chan struct{} // closed when Close is done
}

// New checks the configuration ([errors.ErrConfig] names every wrong field) and the
// tables ([errors.ErrSchema] names what is missing), loads the signing keys or makes
// the first ones, and starts two goroutines: for the keys and for the cleanup (and one
// for SigningKey.Provider, and five for the feed). ctx bounds only the start. Close the
// Service when done.
func New(ctx context.Context, store Store, cfg Config) (*Service, error) { //nolint:contextcheck // the goroutines outlive ctx, as the comment says
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := checkStore(store); err != nil {
		return nil, err
	}
	if err := store.Check(ctx); err != nil {
		return nil, err
	}
	diagnoses, _ := store.(diagnosing) // counting hides what Store does not have
	counters := newCounts()
	store = countCalls(store, counters)
	keys, err := keyring.New(ctx, store, cfg.keyringConfig())
	if err != nil {
		return nil, err
	}

	s := &Service{
		cfg: cfg, store: store, keys: keys, cache: token.NewCache[feed.Memo](cfg.TokenCacheBytes),
		wire: cfg.wireSettings(), counts: counters, diagnoses: diagnoses, closed: make(chan struct{}),
		accepts: slices.Concat(cfg.Audiences[:1], cfg.AcceptAudiences),
	}
	s.thefts = theft.New(cfg.OnTheft, s.logUntold)
	if err := s.startFeed(ctx); err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.worker.Go(func() { keys.Run(background) })
	s.runFeed(background) //nolint:contextcheck // as the others
	if cfg.Cleanup.Every > 0 {
		s.worker.Go(func() { s.cleanUpUntil(background) })
	}
	s.open.Store(true)
	if cfg.Cookie.Insecure {
		cfg.Logger.WarnContext(ctx, "sessionkit: Config.Cookie.Insecure is on: cookies go over plain HTTP, on this machine only")
	}
	return s, nil
}

// closeTimeout is how long Close waits for what is under way.
const closeTimeout = 10 * time.Second

// Close ends the Service: stop the HTTP server first, then close the Service,
// then the database. It stops the goroutines and waits for them and for the
// calls of Config.OnTheft, those of thefts that are found out meanwhile too. What
// has not ended after 10 s is told so by its context, and what has not returned a
// second later is left behind and logged.
//
// Until Close returns, the Service goes on working, so that Config.OnTheft can
// use it. Afterwards every method that would do anything returns
// [errors.ErrClosed], which is answered 503, and no client loses its tokens. Close
// does not wait for other calls: those under way end as usual, if the store is
// still there and they know their keys.
//
// Close may be called more than once and by several at once: each returns when
// the Service is closed. Config.OnTheft and Config.OnEvent must not call it, as
// they would wait for themselves until the time is up. The store stays open: it
// is the caller's.
func (s *Service) Close() {
	switch {
	case s.closed == nil: // New did not make it
	case s.closing.Swap(true):
		<-s.closed
	default:
		s.close()
	}
}

func (s *Service) close() {
	defer close(s.closed)
	defer s.open.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	s.stop()
	ended := make(chan struct{})
	go func() {
		s.worker.Wait()
		close(ended)
	}()
	s.thefts.Close(ctx)
	s.open.Store(false)
	select {
	case <-ended:
		return // whether or not the time is up too
	default:
	}
	select {
	case <-ended:
	case <-ctx.Done():
		s.cfg.Logger.ErrorContext(ctx, "sessionkit: Close gave up waiting: the store, the key provider, Config.OnEvent or the logger has not returned")
	}
}

// checkOpen refuses the use of a closed Service. Every exported method that does
// anything begins with it, and none that they share: what has begun goes on.
func (s *Service) checkOpen() error {
	if s.open.Load() {
		return nil
	}
	return errors.ErrClosed
}

// RetireKey stops a compromised signing key at once in this process, and in
// all others within a minute, or Config.Feed.Within where they read the feed: tokens
// signed by it are refused. kid is the "kid" in the header of an access token.
//
// Errors: [errors.ErrKeyUnknown] when there is no such key; [errors.ErrInvalidInput]
// for a malformed id and for a key of SigningKey.Provider; [errors.ErrUnavailable] and
// [errors.ErrGeneral] when the store failed or the others could not be told: the key is
// out of use here all the same, and calling again goes on with the rest.
func (s *Service) RetireKey(ctx context.Context, kid string) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	err := s.keys.Retire(ctx, kid)
	if errors.Is(err, errors.ErrInvalidInput) || errors.Is(err, errors.ErrKeyUnknown) {
		return err
	}
	// After the rows, unlike other hints: who reads the keys again must find that one
	// gone and its successor there. Also after an error: most may have been done.
	return cmp.Or(err, s.hint(ctx, models.Hint{Kind: models.HintKey, Subject: kid}))
}

// bounded limits the database work of one call.
func (s *Service) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.OperationTimeout)
}

// detached is bounded, and goes on when the client has gone away.
func (s *Service) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return s.bounded(context.WithoutCancel(ctx))
}

// now is the time in milliseconds.
func (s *Service) now() int64 { return s.cfg.Now().UnixMilli() }

// verifying adapts the key ring to the token codecs.
func (s *Service) verifying(ctx context.Context, purpose models.KeyPurpose) token.Keys {
	return func(kid string, issuedAt int64) (token.Key, error) {
		return s.keys.Verifying(ctx, purpose, kid, issuedAt)
	}
}

func millis(d time.Duration) int64 { return d.Milliseconds() }

// SignOutPath is the path of the ready-made sign-out route, Config.Cookie.SignOutPath.
// It is empty where no access token would reach that: browsers send the cookie to paths
// below Config.Cookie.AccessPath only.
func (s *Service) SignOutPath() string {
	if path := s.cfg.Cookie.SignOutPath; s.Reaches(path) {
		return path
	}
	return ""
}

// Reaches reports whether browsers send the access token to path: whether it is
// Config.Cookie.AccessPath or below it. Where tokens come in headers alone, any path is
// reached.
func (s *Service) Reaches(path string) bool {
	return s.cfg.FrontEnds.Carriers == CarriersHeader || pathCovers(s.cfg.Cookie.AccessPath, path)
}
