package otel

import (
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// instruments are all there are: see session.Stats for what each number means.
func instruments() []instrument {
	return append(ofRequests(), append(ofStore(), ofState()...)...)
}

func ofRequests() []instrument {
	return []instrument{
		counters("verifications", "{request}", "result", "Requests that were verified.",
			func(s *session.Stats) map[string]uint64 { return s.Verifications }),
		counters("refreshes", "{request}", "result", "Refreshes.",
			func(s *session.Stats) map[string]uint64 { return s.Refreshes }),
		counters("sign_ins", "{request}", "result", "Sign-ins and visitors' sessions.",
			func(s *session.Stats) map[string]uint64 { return s.SignIns }),
		counters("events", "{event}", "kind", "Events.",
			func(s *session.Stats) map[session.EventKind]uint64 { return s.Events }),
		counter("events.dropped", "{event}", "Events of the feed that OnEvent was not told of.",
			func(s *session.Stats) uint64 { return s.EventsDropped }),
		counters("sessions.ended", "{session}", "reason", "Sessions that this process ended.",
			func(s *session.Stats) map[models.RevokeReason]uint64 { return s.SessionsEnded }),
		counter("rows.deleted", "{row}", "Rows of ended sessions that the cleanup removed.",
			func(s *session.Stats) uint64 { return s.RowsDeleted }),
		counter("token_cache.misses", "{token}", "Access tokens that were not in the cache.",
			func(s *session.Stats) uint64 { return s.TokenCacheMisses }),
	}
}

func ofStore() []instrument {
	return []instrument{
		counter("store.calls", "{call}", "Calls of the store.",
			func(s *session.Stats) uint64 { return s.StoreCalls }),
		counter("store.time", seconds, "How long the calls of the store took together.",
			func(s *session.Stats) time.Duration { return s.StoreTime }),
		counters("store.errors", "{call}", "kind", "Calls of the store that failed.",
			func(s *session.Stats) map[string]uint64 { return s.StoreErrors }),
	}
}

func ofState() []instrument {
	return []instrument{
		gauge(counter("thefts.waiting", "{theft}", "Thefts that OnTheft has yet to be called for.",
			func(s *session.Stats) int { return s.TheftsWaiting })),
		gauge(counter("thefts.running", "{theft}", "Calls of OnTheft that run.",
			func(s *session.Stats) int { return s.TheftsRunning })),
		counter("thefts.lost", "{theft}", "Thefts that OnTheft was not called for.",
			func(s *session.Stats) uint64 { return s.TheftsLost }),
		gauge(counter("feed.lag", seconds, "How old this process's knowledge of revocations is.",
			func(s *session.Stats) time.Duration { return s.FeedLag })),
		gauge(counter("feed.entries", "{revocation}", "Revocations in memory.",
			func(s *session.Stats) int { return s.FeedEntries })),
		gauge(counter("feed.untold", "{revocation}", "Revocations that could not be told to the other processes yet.",
			func(s *session.Stats) int { return s.FeedUntold })),
		gauge(counters("keys", "{key}", "kind", "Keys that verify, by what they are for.",
			func(s *session.Stats) map[models.KeyPurpose]int { return s.Keys })),
		gauge(counters("keys.unreadable", "{key}", "kind", "Rows of the key table that cannot be read, by what they are for.",
			func(s *session.Stats) map[models.KeyPurpose]int { return s.KeysUnreadable })),
		gauge(counters("key.age", seconds, "kind", "How long the key that signs has done so, by what it is for.",
			func(s *session.Stats) map[models.KeyPurpose]time.Duration { return s.KeyAge })),
		gauge(counter("keys.loaded", seconds, "How long ago the keys were loaded.",
			func(s *session.Stats) time.Duration { return s.KeysLoaded })),
		gauge(counter("tokens.cached", "{token}", "Access tokens that are remembered.",
			func(s *session.Stats) int { return s.TokensCached })),
		gauge(counter("sessions.watched", "{session}", "Sessions that somebody waits for the end of.",
			func(s *session.Stats) int { return s.Watched })),
	}
}
