package keyring

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	// opTimeout ends a round of store statements: nobody waits that long, but
	// the statements must not outlive their callers by more.
	opTimeout = 10 * time.Second

	// The rests in milliseconds: between reloads for unknown ids, after one
	// that failed, and after a failed attempt at making a key.
	searchRest  = 10_000
	failureRest = 1_000

	// maxWaiting bounds the requests with unknown ids that wait for a reload.
	maxWaiting = 64
)

var (
	errUnknownNow = errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown)
	errNoSigner   = errors.WithReason(errors.ErrUnavailable, errors.New("no usable signing key"))
)

// source is one place that keys come from, with what was loaded last.
type source struct {
	base  context.Context // lives as long as the ring: loads outlive their callers
	clock func() time.Time
	fetch func(ctx context.Context, now int64) ([]entry, error)
	// tick is what keeps the keys fresh: a load and what is due then.
	tick func(ctx context.Context) error

	every     time.Duration
	flight    flight
	started   atomic.Uint64 // loads
	searching cooldown      // loads that unknown ids asked for
	making    cooldown      // failed attempts at making a key to sign with
	waiting   atomic.Int64
	snap      atomic.Pointer[snapshot]

	mu      sync.Mutex      // guards replacing snap, and:
	retired map[string]bool // kids retired by this process
}

func (s *source) now() int64 { return s.clock().UnixMilli() }

// op binds fn to the ring's life and to opTimeout.
func (s *source) op(fn func(ctx context.Context) error) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(s.base, opTimeout)
		defer cancel()
		return fn(ctx)
	}
}

// load replaces the snapshot, if fetching succeeds. It runs within the flight,
// as a load that was overtaken would bring old keys back.
func (s *source) load(ctx context.Context) error {
	seq, now := s.started.Add(1), s.now()
	entries, err := s.fetch(ctx, now)
	if err != nil {
		return fmt.Errorf("loading signing keys: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snap.Store(newSnapshot(entries, s.retired, seq, now))
	return nil
}

// forget stops kid in this process for good, and reports whether it was known.
func (s *source) forget(kid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.snap.Load()
	_, known := old.byID[kid]
	if s.retired == nil {
		s.retired = make(map[string]bool)
	}
	s.retired[kid] = true
	s.snap.Store(newSnapshot(old.entries, s.retired, old.seq, old.asOf))
	return known
}

// known looks kid up without waiting for anything. The second result is false
// when nothing at all is known about it.
func (s *source) known(p models.KeyPurpose, kid string, now int64) ([]byte, bool, error) {
	e, ok := s.snap.Load().byID[kid]
	switch {
	case !ok:
		return nil, false, nil
	case e.purpose != p || e.retireAt <= now:
		return nil, true, errors.ErrKeyUnknown
	case e.readable():
		return e.secret, true, nil
	case p == models.KeyForAccess:
		return nil, true, errors.ErrKeyUnknown // a refresh gets the client a better token
	default:
		// The key is there and this instance cannot read it: its own trouble,
		// no reason to end the session.
		return nil, true, errUnknownNow
	}
}

// signer is the key that signs for p now, without waiting for anything.
func (s *source) signer(p models.KeyPurpose, lifetime int64) (token.Key, bool) {
	e, ok := s.snap.Load().signer(p, s.now(), lifetime)
	return token.Key{ID: e.id, Secret: e.secret}, ok
}

// search reloads for the sake of an unknown kid, or tells why not.
//
// A key is in the store before anything is signed with it. So a load that
// began after the token had arrived settles the matter.
func (s *source) search(ctx context.Context, p models.KeyPurpose, kid string, issuedAt int64) ([]byte, error) {
	arrived := s.started.Load()
	if s.searching.take(s.now(), searchRest) {
		ctx, cancel := context.WithTimeout(ctx, s.flight.waitLimit)
		defer cancel()
		if err := s.flight.run(ctx, s.op(s.searchLoad)); err != nil {
			return nil, errUnknownNow
		}
	} else if !s.waitForLoad(ctx) {
		return nil, s.verdictWithoutLoad(issuedAt)
	}
	secret, ok, err := s.known(p, kid, s.now())
	switch {
	case ok:
		return secret, err
	case s.snap.Load().seq > arrived:
		return nil, errors.ErrKeyUnknown
	default:
		return nil, s.verdictWithoutLoad(issuedAt)
	}
}

// searchLoad is a load with a shorter rest after a failure.
func (s *source) searchLoad(ctx context.Context) error {
	err := s.load(ctx)
	if err != nil {
		s.searching.rest(s.now(), failureRest)
	}
	return err
}

// waitForLoad waits for the operation under way, if there is one and not too many
// wait for it already.
func (s *source) waitForLoad(ctx context.Context) bool {
	c := s.flight.current()
	if c == nil {
		return false
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting {
		return false
	}
	ended, err := c.await(ctx)
	return ended && err == nil
}

// verdictWithoutLoad is the verdict on an unknown kid without a load of its own. A token
// issued before the last good load began was signed with a key that the load
// would have brought; a younger one may have a key that is newer still.
func (s *source) verdictWithoutLoad(issuedAt int64) error {
	if issuedAt > s.snap.Load().asOf-skewAllowance.Milliseconds() {
		return errUnknownNow
	}
	return errors.ErrKeyUnknown
}
