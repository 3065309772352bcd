package keyring

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Ring hands out the keys. Make one with [New] and keep it fresh with
// [Ring.Run]. It is safe for concurrent use.
type Ring struct {
	redact.As[ringText]

	sources      map[models.KeyPurpose]*source // never changes after New
	lifetimes    map[models.KeyPurpose]int64   // purpose → life of its tokens, milliseconds
	fromStore    *storeSource                  // nil when the provider serves all
	fromProvider *source                       // nil without a provider
	log          *slog.Logger
	signs        token.Algorithm // of new keys for access tokens
	lead         time.Duration   // from the publication of a key for access tokens to its use
	waitLimit    time.Duration
	close        context.CancelFunc
}

// New loads the keys and makes those that are missing. ctx bounds only the
// start. New leaves no goroutine behind, but for a provider's call that does
// not heed its context.
//
// Errors: [errors.ErrConfig] for a wrong configuration, and when there is a
// purpose that nothing can be signed for; otherwise the store's or the
// provider's.
func New(ctx context.Context, store Store, cfg Config) (*Ring, error) {
	if err := cfg.check(store); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	cfg.WaitLimit = cmp.Or(cfg.WaitLimit, defaultWaitLimit)
	r := &Ring{
		sources:   make(map[models.KeyPurpose]*source),
		lifetimes: make(map[models.KeyPurpose]int64),
		log:       cfg.Logger,
		waitLimit: cfg.WaitLimit,
	}
	base, cancel := context.WithCancel(context.Background())
	r.close = cancel
	if err := r.assemble(base, store, cfg); err != nil {
		cancel()
		return nil, err
	}
	if err := r.start(ctx); err != nil {
		cancel()
		return nil, err
	}
	return r, nil
}

// assemble builds the sources, without any input or output. Purposes that the
// store serves share one source, and so one load. Its ticks come as often as
// the purpose with the shortest rotation needs them.
func (r *Ring) assemble(base context.Context, store Store, cfg Config) error {
	var stored []Schedule
	for _, s := range cfg.Schedules {
		r.lifetimes[s.Purpose] = s.TokenLifetime.Milliseconds()
		if s.Purpose == models.KeyForAccess {
			r.signs, r.lead = cmp.Or(s.Algorithm, token.HS256), s.lead()-s.interval()
		}
		if !cfg.provided(s.Purpose) {
			stored = append(stored, s)
		}
	}
	newSource := func(every time.Duration) *source {
		return &source{
			base: base, clock: cfg.Now, every: every, hastened: make(chan struct{}, 1), flight: flight{waitLimit: cfg.WaitLimit},
		}
	}
	if cfg.Provider != nil {
		p := &providerSource{provider: cfg.Provider}
		r.fromProvider = newSource(maxInterval)
		r.fromProvider.fetch, r.fromProvider.tick = p.read, r.fromProvider.load
		r.sources[models.KeyForAccess] = r.fromProvider
	}
	if len(stored) == 0 {
		return nil
	}
	seals, err := newSealer(cfg)
	if err != nil {
		return err
	}
	every := maxInterval
	for _, s := range stored {
		every = min(every, s.interval())
	}
	r.fromStore = &storeSource{source: newSource(every), store: store, sealer: seals, schedules: stored, log: cfg.Logger}
	r.fromStore.fetch, r.fromStore.tick = r.fromStore.read, r.fromStore.reloadAndRotate
	for _, s := range stored {
		r.sources[s.Purpose] = r.fromStore.source
	}
	return nil
}

// start loads everything for the first time. It works outside of the flights,
// with the caller's context: nobody else has the ring yet.
func (r *Ring) start(ctx context.Context) error {
	if r.fromProvider != nil {
		if err := r.fromProvider.load(ctx); err != nil {
			return err
		}
	}
	if r.fromStore == nil {
		return nil
	}
	if !r.fromStore.sealer.encrypts() {
		r.log.Info("sessionkit: signing keys are stored in clear, as no key-encryption key is configured:" +
			" whoever can read their table can sign tokens")
	}
	if err := r.fromStore.load(ctx); err != nil {
		return err
	}
	if err := r.fromStore.requireSealed(); err != nil {
		return err // before anything is written
	}
	if err := r.fromStore.sealAndRotate(ctx); err != nil {
		return err
	}
	if err := r.fromStore.introduce(ctx); err != nil {
		return err
	}
	return r.fromStore.requireSigners()
}

// Signing returns the key that signs for p now; its secret must not be changed.
// Only when there is none, because the process was asleep or its clock jumped,
// does it turn to the store, for as long as ctx lives and [Config.WaitLimit]
// says. If that fails, the error is the store's or an [errors.ErrUnavailable].
func (r *Ring) Signing(ctx context.Context, p models.KeyPurpose) (token.Key, error) {
	s, ok := r.sources[p]
	if !ok {
		return token.Key{}, errors.WithReason(errors.ErrConfig, fmt.Errorf("no key schedule for purpose %q", p))
	}
	if key, ok := s.signer(p, r.lifetimes[p]); ok {
		return key, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.flight.waitLimit)
	defer cancel()
	for {
		if key, ok := s.signer(p, r.lifetimes[p]); ok {
			return key, nil
		}
		// A provider's keys cannot be made here. And after a failure all rest a
		// second, or every sign-in would send statements to a store in trouble.
		if r.fromStore == nil || s != r.fromStore.source || s.making.resting(s.now(), failureRest) {
			return token.Key{}, errNoSigner
		}
		// Somebody else's operation, even a failed one, may have brought a key:
		// look again. Only our own failure, or no time left, is the end.
		c, mine := s.flight.start(s.op(r.fromStore.makeSigner(p, r.lifetimes[p])))
		if ended, err := c.await(ctx); err != nil && (mine || !ended) {
			return token.Key{}, err
		}
	}
}

// Verifying returns the key kid, whose secret must not be changed. A known
// key costs neither an allocation nor a lock. An unknown one may wait for a
// load, for as long as ctx lives and [Config.WaitLimit] says. issuedAt, in
// milliseconds, is what the token claims, 0 if not known.
//
// [errors.ErrKeyUnknown] alone is certain: no such key verifies for p (any
// more). Together with [errors.ErrUnavailable] it is not: the key may be too
// new or unreadable for this instance.
func (r *Ring) Verifying(ctx context.Context, p models.KeyPurpose, kid string, issuedAt int64) (token.Key, error) {
	s, ok := r.sources[p]
	if !ok {
		return token.Key{}, errors.ErrKeyUnknown
	}
	if key, ok, err := s.known(p, kid, s.now()); ok {
		return key, err
	}
	// Ids that no key can have are worth no load.
	if !token.ValidKeyID(kid) {
		return token.Key{}, errors.ErrKeyUnknown
	}
	return s.search(ctx, p, kid, issuedAt)
}

// Known is Verifying for what is worth no load and no waiting: a key that is not
// in memory is an [errors.ErrKeyUnknown].
func (r *Ring) Known(p models.KeyPurpose, kid string) (token.Key, error) {
	if s, ok := r.sources[p]; ok {
		if key, ok, err := s.known(p, kid, s.now()); ok {
			return key, err
		}
	}
	return token.Key{}, errors.ErrKeyUnknown
}

// Secrets are the symmetric keys in memory that verify for p, the newest first.
func (r *Ring) Secrets(p models.KeyPurpose) (keys []token.Key) {
	s, ok := r.sources[p]
	if !ok {
		return nil
	}
	now := s.now()
	for _, e := range s.snap.Load().entries {
		if e.purpose == p && e.retireAt > now && len(e.key.Secret) > 0 {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// Algorithms are those that access tokens may be signed by before the keys are
// loaded again: of the keys in memory, and of the one that would be made. Each is
// there at least once.
func (r *Ring) Algorithms() []token.Algorithm {
	s, ok := r.sources[models.KeyForAccess]
	if !ok {
		return nil
	}
	return append([]token.Algorithm{r.signs}, s.snap.Load().algorithms...)
}

// Public are the keys of access tokens that verify by a public half, the newest
// first, also those that do not sign yet. lead is how long before it signs a new
// one is published, at least. The successor of a retired key may sign at
// once.
func (r *Ring) Public() (keys []token.Key, lead time.Duration) {
	s, ok := r.sources[models.KeyForAccess]
	if !ok {
		return nil, r.lead
	}
	now := s.now()
	for _, e := range s.snap.Load().entries {
		if e.purpose == models.KeyForAccess && e.key.Pair != nil && e.retireAt > now {
			keys = append(keys, e.key)
		}
	}
	return keys, r.lead
}

// Reload loads all keys now and makes those that are due. On an error the keys
// known before stay in use.
func (r *Ring) Reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.waitLimit)
	defer cancel()
	var errs []error
	for _, s := range r.all() {
		errs = append(errs, s.flight.run(ctx, s.op(s.tick)))
	}
	return errors.Join(errs...)
}

// Hasten has Run reload at once what the store holds, because another instance has
// retired a key. It waits for nothing.
func (r *Ring) Hasten() {
	if r.fromStore == nil {
		return
	}
	select {
	case r.fromStore.hastened <- struct{}{}:
	default: // it will
	}
}

// Retire takes a compromised key out of use: here at once, even if the store
// fails, and in every other instance with its next reload, whatever its clock
// says. Tokens signed with it are refused from then on. It can be repeated.
//
// Errors: the store's; [errors.ErrKeyUnknown] when there is no such key;
// [errors.ErrInvalidInput] for a malformed id and for a key of the provider,
// which has to be withdrawn there.
func (r *Ring) Retire(ctx context.Context, kid string) error {
	if !token.ValidKeyID(kid) {
		return errors.WithReason(errors.ErrInvalidInput, errors.New("malformed key id"))
	}
	if r.fromProvider != nil {
		if _, ok := r.fromProvider.snap.Load().byID[kid]; ok {
			return errors.WithReason(errors.ErrInvalidInput, errors.New("the key is the provider's: withdraw it there"))
		}
	}
	if r.fromStore == nil {
		return errors.ErrKeyUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, r.waitLimit)
	defer cancel()
	known := r.fromStore.forget(kid) // before anything that can fail or wait
	var found bool
	err := r.fromStore.flight.run(ctx, r.fromStore.op(func(ctx context.Context) (err error) {
		found, err = r.fromStore.retire(ctx, kid)
		return err
	}))
	if err != nil {
		return err
	}
	if !known && !found {
		return errors.ErrKeyUnknown
	}
	r.log.Warn("sessionkit: signing key retired", "kid", kid)
	return nil
}

// all lists the sources, each once.
func (r *Ring) all() []*source {
	var all []*source
	if r.fromStore != nil {
		all = append(all, r.fromStore.source)
	}
	if r.fromProvider != nil {
		all = append(all, r.fromProvider)
	}
	return all
}

// ringText is what a Ring prints as: a ring in a log shows no secrets.
type ringText struct{}

func (ringText) String() string { return "[key ring]" }
