package session

import (
	"context"
	"slices"
	"sync"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/models"
)

// End is the end of a session that somebody watched.
type End struct {
	// Reason says who ended it; models.EndedByExpiry when its time was up.
	Reason models.RevokeReason
}

// Watch tells when the session ends: for a WebSocket, server-sent events or a long
// poll, whose one request outlives many access tokens. The channel gets exactly one
// End, within Config.Feed.Within after the session was revoked by whichever process, or
// when its idle or absolute end has passed. Then it is closed. It is closed without an
// End when ctx ends or the Service is closed, and nothing else ends it: not the expiry
// of the access token, no refresh, and no outage of the database.
//
//	ended, err := sess.Watch(ctx)
//	…
//	select {
//	case end, ok := <-ended:
//		if ok {
//			_ = conn.Close(4401, string(end.Reason))
//		}
//		return
//	case msg := <-messages:
//		…
//	}
//
// A socket holds the session's idle end as little as an open page does: who only
// listens is still idle. End ctx when the socket closes. While nothing happens it reads
// the row once, when the access token has expired, and takes about 300 bytes.
//
// Errors: [errors.ErrConfig] when the feed is off, see [FeedConfig];
// [errors.ErrClosed].
func (s *Session) Watch(ctx context.Context) (<-chan End, error) {
	svc := s.svc
	if err := svc.checkOpen(); err != nil {
		return nil, err
	}
	if svc.hints.feed == nil {
		return nil, errFeedOff
	}
	claims, ends := s.snapshot()
	if ends == 0 {
		// The row is read when this has passed: others may have moved the end. Of an
		// absolute end of the session's own the token says no more than that it is not
		// before its own.
		ends = min(claims.ExpiresAt*1000, svc.idleEnd(claims.IssuedAt*1000, svc.absoluteEnd(claims.SessionStart()*1000), claims.Idle*1000))
	}
	end := make(chan End, 1)
	w := &watcher{
		handle: claims.Handle, userID: claims.UserID, issuedAt: claims.IssuedAt * 1000, ends: ends, end: end,
	}
	w.mu.Lock() // nobody finishes it before it has begun
	defer w.mu.Unlock()
	if !svc.hints.watch.add(w) {
		return nil, errors.ErrClosed
	}
	w.stop = context.AfterFunc(ctx, func() { svc.hints.watch.remove(w) })
	return end, nil
}

// watcher waits for the end of one session.
type watcher struct {
	handle, userID string
	issuedAt       int64
	// ends is when to look whether the session's time is up, in milliseconds. Only
	// the goroutine that watches uses it, and memo.
	ends int64
	memo feed.Memo

	mu   sync.Mutex
	end  chan End // nil once it is closed
	stop func() bool
}

// finish closes the channel, once; with an End unless it is nil.
func (w *watcher) finish(end *End) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end == nil {
		return
	}
	if end != nil {
		w.end <- *end
	}
	close(w.end)
	w.end = nil
	w.stop()
}

// watchers are all that wait.
type watchers struct {
	news chan struct{}

	mu     sync.Mutex
	all    map[*watcher]struct{}
	closed bool
}

func (w *watchers) init() {
	w.news = make(chan struct{}, 1)
	w.all = map[*watcher]struct{}{}
}

// wake has the goroutine look again.
func (w *watchers) wake() {
	select {
	case w.news <- struct{}{}:
	default: // it will
	}
}

func (w *watchers) add(one *watcher) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.all[one] = struct{}{}
	return true
}

func (w *watchers) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all)
}

func (w *watchers) remove(one *watcher) {
	w.mu.Lock()
	delete(w.all, one)
	w.mu.Unlock()
	one.finish(nil)
}

// due are those about whom the database has to be asked.
func (w *watchers) due(wanted func(*watcher) bool) (list []*watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		if wanted(one) {
			list = append(list, one)
		}
	}
	return list
}

// close ends them all without an End.
func (w *watchers) close() {
	w.mu.Lock()
	list := w.all
	w.all, w.closed = nil, true
	w.mu.Unlock()
	for one := range list {
		one.finish(nil)
	}
}

// watchUntil looks after each poll whose session may have ended, until ctx ends. It is
// a goroutine of its own, so that no question delays a poll.
func (s *Service) watchUntil(ctx context.Context) {
	defer s.hints.watch.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hints.watch.news:
			s.watchOnce(ctx)
		}
	}
}

// watchOnce asks about all that are due. What the database cannot answer is asked again
// after the next poll; a panic of a store must not end the loop.
func (s *Service) watchOnce(ctx context.Context) {
	defer s.survive(ctx, "sessionkit: watching sessions panicked")
	questions := map[*watcher]feed.Question{}
	now, blind := s.now(), s.cfg.Feed.OnLag == LagAsk && s.isLagging()
	due := s.hints.watch.due(func(w *watcher) bool {
		q, asks := s.hints.feed.Asks(&w.memo, w.handle, w.userID, w.issuedAt)
		if asks {
			questions[w] = q
		}
		return asks || blind || w.ends <= now
	})
	for page := range slices.Chunk(due, maxPage) {
		if !s.askAboutWatched(ctx, page, questions) {
			return
		}
	}
}

// askAboutWatched ends those of up to maxPage watchers whose session has ended.
func (s *Service) askAboutWatched(ctx context.Context, list []*watcher, questions map[*watcher]feed.Question) bool {
	handles := make([]string, len(list))
	for i, w := range list {
		handles[i] = w.handle
	}
	slices.Sort(handles)
	var found []models.Session
	err := s.boundedly(ctx, func(ctx context.Context) (err error) {
		found, err = s.hints.store.FindMany(ctx, slices.Compact(handles))
		return err
	})
	if err != nil {
		return false
	}
	rows := make(map[string]*models.Session, len(found))
	for i := range found {
		rows[found[i].Handle] = &found[i]
	}
	now := s.now()
	for _, w := range list {
		switch row := rows[w.handle]; {
		case row != nil && row.LiveAt(now):
			w.ends = endOf(row)
			if q, ok := questions[w]; ok {
				s.hints.feed.Answered(&w.memo, q)
			}
		default:
			s.hints.watch.end(w, row)
		}
	}
	return true
}

// end tells a watcher that its session has ended; row is nil when it is gone.
func (w *watchers) end(one *watcher, row *models.Session) {
	end := End{Reason: models.EndedByExpiry}
	if row != nil && row.RevokedAt != 0 {
		end.Reason = row.RevokeReason
	}
	w.mu.Lock()
	delete(w.all, one)
	w.mu.Unlock()
	one.finish(&end)
}

// endOf is when a session ends by itself, as of now.
func endOf(row *models.Session) int64 {
	return notPast(row.AbsoluteExpiresAt, row.ExpiresAt)
}

// notPast is an idle end in a row, which a promotion may have moved behind an absolute
// end that only this session has.
func notPast(absolute, ends int64) int64 {
	if absolute > 0 {
		return min(ends, absolute)
	}
	return ends
}
