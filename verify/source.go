package verify

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/jwk"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

const (
	// maxSet bounds what is read of an answer: a hundred keys of RSA have 40 KB.
	maxSet = 1 << 20
	// fetchTimeout ends a fetch, whoever waits for it.
	fetchTimeout = 5 * time.Second
	// rest lies between two fetches. Anybody can send an unknown key id.
	rest = time.Minute
	// maxFresh is how long an answer is taken for fresh, whatever it says: a new key
	// is published nine minutes before it signs.
	maxFresh = 5 * time.Minute
	// unheard is how long after its first token an answer may be without a key: clocks
	// are a minute apart at most, and another instance may take one to hear of it.
	unheard = 2 * time.Minute
)

// errUnknownNow is about a key that nobody could look up so far.
var errUnknownNow = errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown)

// source is what is known of the service's keys. Requests read it without a lock.
type source struct {
	url      string
	client   *client
	now      func() time.Time
	maxStale time.Duration

	known atomic.Pointer[keySet] // nil before the first good fetch
	// doubtful are the keys that the feed named and known may still have; nil for none.
	doubtful atomic.Pointer[map[string]bool]

	mu      sync.Mutex // guards what follows, and is held for a moment only
	begun   time.Time  // of the last fetch, but for those that the feed asked for
	current *fetch     // under way, or nil
	last    error      // of the last fetch
	retired retired
}

// keySet is one good answer. It never changes.
type keySet struct {
	keys map[string]token.Key
	// at is when it was asked for, asOf when it was made, as far as caches say.
	at, asOf, expire time.Time
}

// fetch is one fetch under way.
type fetch struct {
	done chan struct{}
	err  error // to be read after done
}

// find is the key of an id that a token names. A key that is known costs no waiting:
// when the answer is no longer fresh, the next is fetched beside. Only an unknown id
// waits for a fetch, the same one as all others, and at most one in a minute is made.
func (s *source) find(ctx context.Context, kid, text string) (token.Key, error) {
	now := s.now()
	set := s.known.Load()
	if set.usable(now, s.maxStale) {
		if key, ok := set.keys[kid]; ok {
			if !now.Before(set.expire) {
				_, _ = s.start(now) //nolint:contextcheck // see ask
			}
			return key, nil
		}
	}
	f, err := s.start(now) //nolint:contextcheck // see ask
	if f != nil {
		select {
		case <-f.done:
			err = f.err
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	// Also where there was none to wait for: one may have ended since known was read.
	if set = s.known.Load(); set.usable(s.now(), s.maxStale) {
		if key, ok := set.keys[kid]; ok {
			return key, nil
		}
	}
	return token.Key{}, s.unknown(set, text, now, err)
}

// usable reports whether s may be used at all.
func (s *keySet) usable(now time.Time, maxStale time.Duration) bool {
	return s != nil && now.Sub(s.at) < maxStale
}

// unknown is the verdict on a key that is not in set, for a token that came at the
// given time. It is certain where set was asked for since, or long after the token was
// made: its key would be there, but for one that the service's instance behind that
// answer has not heard of. Else it is not, as anybody can have spent the fetch of this
// minute on an id of his own, just before the first token of a new key. A token that is
// over anyway is worth no waiting: its client refreshes.
//
// When it was made and ends, the token says by itself, and nobody has verified that:
// who lies gets the other of two refusals. One that was signed anew, at its first use
// or for a new payload, keeps its time. Should that be too early, the next refresh
// brings a younger one.
func (s *source) unknown(set *keySet, text string, came time.Time, err error) error {
	if err != nil {
		return errors.WithReason(errors.ErrUnavailable, err)
	}
	if !set.usable(s.now(), s.maxStale) {
		return errUnknownNow
	}
	id, ok := token.Claimed(text)
	late := !ok || !set.asOf.Before(came) || !set.asOf.Before(time.Unix(id.IssuedAt, 0).Add(unheard))
	if over := ok && !came.Before(time.Unix(id.ExpiresAt, 0)); late || over {
		return errors.ErrKeyUnknown
	}
	return errUnknownNow
}

// start begins a fetch, or returns the one under way. While it rests there is none, but
// the error of the last.
func (s *source) start(now time.Time) (*fetch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		return s.current, nil
	}
	// A clock that was set back by hours does not make it rest that long.
	if since := now.Sub(s.begun); !s.begun.IsZero() && since >= 0 && since < rest {
		return nil, s.last
	}
	s.begun = now
	return s.begin(now, false), nil
}

// begin begins a fetch, with s.mu held. anew is by no cache.
func (s *source) begin(now time.Time, anew bool) *fetch {
	f := &fetch{done: make(chan struct{})}
	s.current = f
	began := time.Now()
	go func() {
		set, err := s.ask(now, anew)
		if err == nil {
			s.known.Store(set)
		}
		s.mu.Lock()
		f.err, s.last, s.current = err, err, nil
		if err == nil {
			s.retired.answered(began, set.keys)
			s.publishRetired()
		}
		s.mu.Unlock()
		close(f.done)
	}()
	return f
}

// ask makes the request. It is bound to no caller's context: the next one needs the
// answer too.
func (s *source) ask(now time.Time, anew bool) (*keySet, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, errors.New("verify: JWKS is no URL")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if anew {
		req.Header.Set("Cache-Control", "no-cache")
	}
	data, header, err := s.client.do(req, maxSet)
	if err != nil {
		return nil, fmt.Errorf("verify: fetching the keys: %w", err)
	}
	keys, err := jwk.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return &keySet{keys: keys, at: now, asOf: now.Add(-ageOf(header)), expire: now.Add(freshFor(header))}, nil
}

// freshFor is how long an answer is fresh (RFC 9111, section 4.2): what it says less
// the time that it has been in caches, and no longer than maxFresh. One that says
// nothing is fetched anew after a minute.
func freshFor(h http.Header) time.Duration {
	fresh := rest
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 && strings.EqualFold(name, "max-age") {
			fresh = min(time.Duration(min(seconds, 1<<20))*time.Second, maxFresh)
		}
	}
	return max(fresh-ageOf(h), 0)
}

// ageOf is how long an answer has been in caches, as they say (RFC 9111, section 5.1).
func ageOf(h http.Header) time.Duration {
	age, err := strconv.Atoi(h.Get("Age"))
	if err != nil || age < 0 {
		return 0
	}
	return time.Duration(min(age, 1<<20)) * time.Second
}
