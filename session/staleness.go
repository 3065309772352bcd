package session

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/internal/feed"
)

// staleness is what the feed knows about the members of one session's payload, for one
// request.
type staleness struct {
	svc  *Service
	sess *Session
	// asked are the members for which a time was given.
	asked map[string]feed.Question
}

// before says when a member is stale.
func (s *staleness) before(member string) feed.Before {
	known := s.svc.hints.feed
	if known == nil {
		return feed.Before{}
	}
	before, q, ok := known.Claims(s.sess.memo.Load(), s.sess.UserID(), member)
	if !ok {
		return before
	}
	if s.asked == nil {
		s.asked = map[string]feed.Question{}
	}
	s.asked[member] = q
	return before
}

// kept notes that a member could not be fetched: the next request asks again.
func (s *staleness) kept(ctx context.Context, member string) {
	if _, ok := s.asked[member]; !ok {
		return
	}
	delete(s.asked, member)
	s.svc.cfg.Logger.DebugContext(ctx, "sessionkit: a claim could not be found out anew", "claim", member)
}

// healed remembers that the members are as they should be now, in the token that the
// client has, or in the one that takes its place. That is the one which it comes with
// next: once is enough for it too.
func (s *staleness) healed(ctx context.Context, replacement *Token) {
	if len(s.asked) == 0 {
		return
	}
	if replacement != nil {
		_, memo, err := s.svc.parseAccess(ctx, replacement.Value)
		if err != nil {
			return // it is asked about again
		}
		s.sess.memo.Store(memo)
	}
	for member, q := range s.asked {
		s.svc.hints.feed.Refetched(s.sess.memo.Load(), member, q)
	}
}
