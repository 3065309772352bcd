package verify

import (
	"maps"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// retired are the ids of keys that the feed said were retired, and when that was heard.
// The keys are fetched again for each: at once, however many unknown ids have come, and
// for dropRetired, until an answer is without it. One may still have it: of an instance
// that has not heard yet, or of a cache between. As long as no answer is without it,
// tokens of such a key are asked about: see source.doubts.
type retired struct {
	heard map[string]time.Time
	asked time.Time // when the keys were last fetched for it
}

const (
	// retryRetired lies between two such fetches. The first waits for none.
	retryRetired = 5 * time.Second
	// dropRetired is when to leave it to the fetches that are made anyway. By then each
	// instance has read the keys.
	dropRetired = 2 * time.Minute
	// maxRetired bounds how many are waited for. The fetch for one is for all.
	maxRetired = 100
)

// answered takes what a fetch brought, which began at the given time.
func (r *retired) answered(began time.Time, keys map[string]token.Key) {
	maps.DeleteFunc(r.heard, func(kid string, heard time.Time) bool {
		_, there := keys[kid]
		return !there && !began.Before(heard)
	})
}

// due reports whether the keys have to be fetched now.
func (r *retired) due(now time.Time) bool {
	for _, heard := range r.heard {
		if now.Sub(heard) < dropRetired {
			return r.asked.IsZero() || now.Sub(r.asked) >= retryRetired
		}
	}
	return false
}

// retire notes that a key was retired. It waits for nothing: see renew.
func (s *source) retire(kid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired.heard == nil {
		s.retired.heard = map[string]time.Time{}
	}
	if len(s.retired.heard) < maxRetired {
		s.retired.heard[kid] = time.Now()
	}
	s.publishRetired()
}

// doubts reports whether the feed named a key that the keys at hand still have: they
// may be a day old while newer ones cannot be fetched. Requests ask without a lock.
func (s *source) doubts(kid string) bool {
	heard := s.doubtful.Load()
	return heard != nil && (*heard)[kid]
}

// publishRetired has requests know, with s.mu held. What was heard longer ago than keys
// may be used is forgotten: then they have been fetched, and still had it.
func (s *source) publishRetired() {
	maps.DeleteFunc(s.retired.heard, func(_ string, heard time.Time) bool { return time.Since(heard) > s.maxStale })
	if len(s.retired.heard) == 0 {
		s.doubtful.Store(nil)
		return
	}
	heard := make(map[string]bool, len(s.retired.heard))
	for kid := range s.retired.heard {
		heard[kid] = true
	}
	s.doubtful.Store(&heard)
}

// renew fetches the keys if that is due for a retired one. Nobody waits for it.
func (s *source) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publishRetired()
	if now := time.Now(); s.current == nil && s.retired.due(now) {
		s.retired.asked = now
		s.begin(s.now(), true)
	}
}
