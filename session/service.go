package session

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
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
	seen   *token.Cache // nil when off
	stop   context.CancelFunc
	worker sync.WaitGroup

	// wire is what of the configuration concerns requests and responses.
	wire *wire.Settings

	// warned holds what the log says once: anybody can cause it.
	warned struct{ foreignHost, foreignOrigin, foreignDomain, plainHTTP, foreignRefresh atomic.Bool }
	// failedAt is when a failure was logged last, unlogged how many there were since.
	failedAt, unlogged atomic.Int64
	// mounted holds the handlers' names of the routes that refresh.Mount made, by path.
	mounted sync.Map
}

// New checks the configuration (errors.ErrConfig names every wrong field) and
// the tables (errors.ErrSchema names what is missing), loads the signing keys
// or makes the first ones, and starts two goroutines: for the keys and for the
// cleanup (and one for SigningKey.Provider). ctx bounds only the start. Close the Service when done.
func New(ctx context.Context, store Store, cfg Config) (*Service, error) { //nolint:contextcheck // the goroutines outlive ctx, as the comment says
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if store == nil {
		return nil, errors.WithReason(errors.ErrConfig, errors.New("store is nil"))
	}
	if err := store.Check(ctx); err != nil {
		return nil, err
	}
	keys, err := keyring.New(ctx, store, cfg.keyringConfig())
	if err != nil {
		return nil, err
	}

	s := &Service{cfg: cfg, store: store, keys: keys, seen: token.NewCache(cfg.TokenCache), wire: cfg.wireSettings()}
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.worker.Go(func() { keys.Run(background) })
	if !cfg.Cleanup.Disabled {
		s.worker.Go(func() { s.cleanUpUntil(background) })
	}
	return s, nil
}

// Close stops the goroutines and waits for them. It may be called more than
// once. The store stays open: it is the caller's.
func (s *Service) Close() {
	s.stop()
	s.worker.Wait()
}

// RetireKey stops a compromised signing key at once in this process, and in
// all others within a minute: tokens signed by it are refused. kid is the
// "kid" in the header of an access token.
func (s *Service) RetireKey(ctx context.Context, kid string) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.keys.Retire(ctx, kid)
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
	return func(kid string, issuedAt int64) ([]byte, error) {
		return s.keys.Verifying(ctx, purpose, kid, issuedAt)
	}
}

func millis(d time.Duration) int64 { return d.Milliseconds() }

// RefreshPath is the path that refresh tokens are sent to.
func (s *Service) RefreshPath() string { return s.cfg.Cookie.RefreshPath }

// SignOutPath is the path of the ready-made sign-out route.
func (s *Service) SignOutPath() string { return s.cfg.Cookie.SignOutPath }

// Logger is the configured logger.
func (s *Service) Logger() *slog.Logger { return s.cfg.Logger }

// Mounted notes that a router has a route of this Service at path, with a handler of that
// name. refresh.Mount calls it.
func (s *Service) Mounted(path, handler string) { s.mounted.Store(path, handler) }

// IsMounted reports whether path is a route that Mounted was told of, with that very
// handler. It asks for the handler's name only then.
func (s *Service) IsMounted(path string, handler func() string) bool {
	name, ok := s.mounted.Load(path)
	return ok && name == handler()
}
