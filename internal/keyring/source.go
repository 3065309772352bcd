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
	// opTimeout ends an operation. Nobody waits that long, but statements must
	// not outlive their callers by more, and the flight must become free again.
	opTimeout = 10 * time.Second

	// searchRest lies between two loads that unknown ids ask for, in
	// milliseconds. Anybody can send an unknown id, so this bounds what that
	// costs the store.
	searchRest = 10_000
	// failureRest follows such a load when it fails, and a failed attempt at
	// making a key, in milliseconds.
	failureRest = 1_000

	// maxWaiting bounds the requests with unknown ids that wait for a load: a
	// flood of them must not tie up a goroutine each.
	maxWaiting = 64
)

var (
	// errUnknownNow is about a key that nobody could look up, or that this
	// instance cannot read. It ends no session.
	errUnknownNow = errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown)
	// errNoSigner is about a purpose for which nothing can be signed for now.
	errNoSigner = errors.WithReason(errors.ErrUnavailable, errors.New("no usable signing key"))
)

// source is one place that keys come from, with what was loaded last: the half
// that the store and a provider have in common. The other half, storeSource or
// providerSource, hands its functions in as fetch and tick.
type source struct {
	base  context.Context // lives as long as the ring: loads outlive their callers
	clock func() time.Time
	// fetch returns the keys that there are; in the flight.
	fetch func(ctx context.Context, now int64) ([]entry, error)
	// tick is what keeps the keys fresh: a load and what is due then; in the
	// flight.
	tick func(ctx context.Context) error

	every     time.Duration // between two ticks
	hastened  chan struct{} // of Hasten
	flight    flight
	started   atomic.Uint64 // how many loads have begun; numbers them
	searching cooldown      // of loads that unknown ids ask for
	making    cooldown      // after failed attempts at making a key to sign with
	waiting   atomic.Int64  // requests with unknown ids that wait for a load

	snap    atomic.Pointer[snapshot] // read by all without a lock
	mu      sync.Mutex               // guards replacing snap, and retired
	retired map[string]bool          // ids that this process retired, for good
}

func (s *source) now() int64 { return s.clock().UnixMilli() }

// op binds fn to the ring's life and to opTimeout, and to no caller's context:
// whoever comes next needs the same load.
func (s *source) op(fn func(ctx context.Context) error) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(s.base, opTimeout)
		defer cancel()
		return fn(ctx)
	}
}

// load replaces the snapshot, if fetching succeeds. It runs within the flight,
// as a load that was overtaken would bring old keys back. The time that counts
// is that before fetching: of keys inserted later than that the load may know
// nothing.
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
// It needs no turn in the flight, as it asks nobody: a compromised key is out
// of use at once, even while a load hangs. That load will find it in retired.
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
// when nothing at all is known about it; only then a load could help.
func (s *source) known(p models.KeyPurpose, kid string, now int64) (token.Key, bool, error) {
	e, ok := s.snap.Load().byID[kid]
	switch {
	case !ok:
		return token.Key{}, false, nil
	case e.purpose != p || e.retireAt <= now:
		return token.Key{}, true, errors.ErrKeyUnknown
	case e.readable():
		return e.key, true, nil
	case p == models.KeyForAccess:
		// "Unknown" sends the client to the refresh, which gets it a better
		// token.
		return token.Key{}, true, errors.ErrKeyUnknown
	default:
		// "Unknown" would end the session. But the key is there, and that this
		// instance cannot read it is the instance's own trouble.
		return token.Key{}, true, errUnknownNow
	}
}

// signer is the key that signs for p now, without waiting for anything. Its
// tokens live for lifetime milliseconds.
func (s *source) signer(p models.KeyPurpose, lifetime int64) (token.Key, bool) {
	e, ok := s.snap.Load().signer(p, s.now(), lifetime)
	return e.key, ok
}

// search loads for the sake of an unknown kid, or tells why not.
//
// A key is in the store before anything is signed with it. So a load that began
// after the token had arrived settles the matter: if it brings no such key,
// there is none. Loads are numbered for this; any with a number above that of
// the last one at the arrival will do, whoever asked for it.
//
// One request in ten seconds makes the load. The others wait for one that
// happens to be under way, which may have begun too early, or are content with
// less.
func (s *source) search(ctx context.Context, p models.KeyPurpose, kid string, issuedAt int64) (token.Key, error) {
	arrived := s.started.Load() // the last load that began before the token came
	if s.searching.take(s.now(), searchRest) {
		ctx, cancel := context.WithTimeout(ctx, s.flight.waitLimit)
		defer cancel()
		if err := s.flight.run(ctx, s.op(s.searchLoad)); err != nil {
			return token.Key{}, errUnknownNow
		}
	} else if !s.waitForLoad(ctx) {
		return token.Key{}, s.verdictWithoutLoad(issuedAt)
	}
	key, ok, err := s.known(p, kid, s.now())
	switch {
	case ok:
		return key, err
	case s.snap.Load().seq > arrived:
		return token.Key{}, errors.ErrKeyUnknown
	default:
		return token.Key{}, s.verdictWithoutLoad(issuedAt)
	}
}

// searchLoad is a load with a shorter rest after a failure: search has taken
// the long one already.
func (s *source) searchLoad(ctx context.Context) error {
	err := s.load(ctx)
	if err != nil {
		s.searching.rest(s.now(), failureRest)
	}
	return err
}

// waitForLoad waits for the operation under way, if there is one and not too
// many wait for it already. It reports whether the operation succeeded.
func (s *source) waitForLoad(ctx context.Context) bool {
	c := s.flight.current()
	if c == nil {
		return false
	}
	// Counted first and asked then: no two can both be the last that fits.
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting {
		return false
	}
	ended, err := c.await(ctx)
	return ended && err == nil
}

// verdictWithoutLoad is the verdict on an unknown kid without a load of its
// own. A token issued before the last good load began was signed with a key
// that the load would have brought, so its key is unknown for certain. A
// younger token may have a key that is newer still. issuedAt is another
// instance's clock, hence the allowance; and it is what the token claims,
// unverified: whoever lies about it only gets the other of two refusals.
func (s *source) verdictWithoutLoad(issuedAt int64) error {
	if issuedAt > s.snap.Load().asOf-skewAllowance.Milliseconds() {
		return errUnknownNow
	}
	return errors.ErrKeyUnknown
}
