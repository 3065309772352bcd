package feed

import (
	"maps"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// recent are the hints that this process wrote in the last second. One about the same
// again would tell nothing: whoever has read the first goes on asking for a minute. So
// who presses a button ten times a second does not fill the feed.
type recent struct {
	mu   sync.Mutex
	list map[subject]time.Time
}

const (
	recently = time.Second
	// maxRecent bounds the list; beyond it hints are written as ever.
	maxRecent = 1000
)

// has reports whether a hint about the same was begun to be written within the last
// second.
func (r *recent) has(h models.Hint) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	began, ok := r.list[subject{h.Kind, h.Subject}]
	return ok && time.Since(began) < recently
}

// note remembers a hint that was written, from when that began.
func (r *recent) note(h models.Hint, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) >= maxRecent {
		maps.DeleteFunc(r.list, func(_ subject, at time.Time) bool { return time.Since(at) >= recently })
	}
	if r.list == nil {
		r.list = map[subject]time.Time{}
	}
	if len(r.list) < maxRecent {
		r.list[subject{h.Kind, h.Subject}] = began
	}
}
