package prometheus

import (
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// metrics are all there are: see session.Stats for what each number means.
func metrics() []metric {
	return append(requests(), append(store(), state()...)...)
}

func requests() []metric {
	return []metric{
		numbers("verifications_total", "result", "Requests that were verified, by result.", client.CounterValue,
			func(s *session.Stats) map[string]uint64 { return s.Verifications }),
		numbers("refreshes_total", "result", "Refreshes, by result.", client.CounterValue,
			func(s *session.Stats) map[string]uint64 { return s.Refreshes }),
		numbers("sign_ins_total", "result", "Sign-ins and visitors' sessions, by result.", client.CounterValue,
			func(s *session.Stats) map[string]uint64 { return s.SignIns }),
		numbers("events_total", "kind", "Events, by kind.", client.CounterValue,
			func(s *session.Stats) map[session.EventKind]uint64 { return s.Events }),
		number("events_dropped_total", "Events of the feed that OnEvent was not told of.", client.CounterValue,
			func(s *session.Stats) uint64 { return s.EventsDropped }),
		numbers("sessions_ended_total", "reason", "Sessions that this process ended, by reason.", client.CounterValue,
			func(s *session.Stats) map[models.RevokeReason]uint64 { return s.SessionsEnded }),
		number("rows_deleted_total", "Rows of ended sessions that the cleanup removed.", client.CounterValue,
			func(s *session.Stats) uint64 { return s.RowsDeleted }),
		number("token_cache_misses_total", "Access tokens that were not in the cache.", client.CounterValue,
			func(s *session.Stats) uint64 { return s.TokenCacheMisses }),
	}
}

func store() []metric {
	return []metric{
		number("store_calls_total", "Calls of the store.", client.CounterValue,
			func(s *session.Stats) uint64 { return s.StoreCalls }),
		number("store_call_seconds_total", "How long the calls of the store took together.", client.CounterValue,
			func(s *session.Stats) time.Duration { return s.StoreTime }),
		numbers("store_errors_total", "kind", "Calls of the store that failed, by kind.", client.CounterValue,
			func(s *session.Stats) map[string]uint64 { return s.StoreErrors }),
	}
}

func state() []metric {
	return []metric{
		number("thefts_waiting", "Thefts that OnTheft has yet to be called for.", client.GaugeValue,
			func(s *session.Stats) int { return s.TheftsWaiting }),
		number("thefts_running", "Calls of OnTheft that run.", client.GaugeValue,
			func(s *session.Stats) int { return s.TheftsRunning }),
		number("thefts_lost_total", "Thefts that OnTheft was not called for.", client.CounterValue,
			func(s *session.Stats) uint64 { return s.TheftsLost }),
		number("feed_lag_seconds", "How old this process's knowledge of revocations is.", client.GaugeValue,
			func(s *session.Stats) time.Duration { return s.FeedLag }),
		number("feed_entries", "Revocations in memory.", client.GaugeValue,
			func(s *session.Stats) int { return s.FeedEntries }),
		number("feed_untold", "Revocations that could not be told to the other processes yet.", client.GaugeValue,
			func(s *session.Stats) int { return s.FeedUntold }),
		numbers("keys", "kind", "Keys that verify, by what they are for.", client.GaugeValue,
			func(s *session.Stats) map[models.KeyPurpose]int { return s.Keys }),
		numbers("keys_unreadable", "kind", "Rows of the key table that cannot be read, by what they are for.", client.GaugeValue,
			func(s *session.Stats) map[models.KeyPurpose]int { return s.KeysUnreadable }),
		numbers("key_age_seconds", "kind", "How long the key that signs has done so, by what it is for.", client.GaugeValue,
			func(s *session.Stats) map[models.KeyPurpose]time.Duration { return s.KeyAge }),
		number("keys_loaded_seconds", "How long ago the keys were loaded.", client.GaugeValue,
			func(s *session.Stats) time.Duration { return s.KeysLoaded }),
		number("tokens_cached", "Access tokens that are remembered.", client.GaugeValue,
			func(s *session.Stats) int { return s.TokensCached }),
		number("sessions_watched", "Sessions that somebody waits for the end of.", client.GaugeValue,
			func(s *session.Stats) int { return s.Watched }),
	}
}
