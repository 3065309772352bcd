package session

import (
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/counts"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Stats are the numbers of one Service: what it has done since New, and how it stands.
// Whatever is counted by a name has every name from the start, with 0. Sum the counts
// of all processes; contrib/prometheus and contrib/otel export them.
//
// No number names a user or a session.
type Stats struct {
	// Verifications, Refreshes and SignIns are the requests for each, by result: "ok",
	// or why not, such as "token_expired", "session_revoked" or "unavailable"
	// (docs/operations.md has the list). A request that is verified more than once
	// counts once, and once more for each refusal. One without a session that
	// [Optional] lets pass is "visitor". SignIns has visitors' sessions too.
	Verifications, Refreshes, SignIns map[string]uint64

	// Events are those that Config.OnEvent is told of, by kind. EventsDropped are those
	// of the feed that it was not told of, as it had not returned from sixteen others.
	Events        map[EventKind]uint64
	EventsDropped uint64
	// SessionsEnded are the sessions that this process has ended, by reason. Those whose
	// time is up are not among them, as nobody ends them.
	SessionsEnded map[models.RevokeReason]uint64
	// RowsDeleted are the rows of ended sessions that the cleanup has removed.
	RowsDeleted uint64

	// TheftsWaiting is for how many thefts Config.OnTheft has yet to be called, of 1,024
	// that may wait; TheftsRunning for how many it runs, of 4. TheftsLost is for how
	// many it was not called.
	TheftsWaiting, TheftsRunning int
	TheftsLost                   uint64

	// StoreCalls are the calls of the store, those of a [Batch] in a transaction of the
	// application included, StoreTime is how long they took together.
	// StoreErrors are those that failed: "unavailable" (the database cannot be reached,
	// is read-only, or was too slow by itself), "timeout" (Config.OperationTimeout, or a
	// deadline of the caller's), "canceled" (whose client has hung up), and "error".
	StoreCalls  uint64
	StoreTime   time.Duration
	StoreErrors map[string]uint64

	// FeedLag is [Service.RevocationLag]. FeedEntries is how many revocations are in
	// memory, of Config.Feed.MaxEntries; FeedUntold how many this process could not
	// tell the others yet. All are 0 without the feed.
	FeedLag                 time.Duration
	FeedEntries, FeedUntold int

	// Keys are those that verify, KeysUnreadable rows of the key table that this process
	// cannot read, such as for want of a key in SigningKey.Encryption; KeyAge is how
	// long the one that signs has done so, or 0 where nobody knows (SigningKey.Provider).
	// KeysLoaded is how long ago they were loaded; it is seldom more than a minute.
	Keys, KeysUnreadable map[models.KeyPurpose]int
	KeyAge               map[models.KeyPurpose]time.Duration
	KeysLoaded           time.Duration

	// TokensCached is about how many access tokens are remembered; TokenCacheMisses
	// are those that were not, so that their signature was checked.
	TokensCached     int
	TokenCacheMisses uint64
	// Watched are the sessions that somebody waits for by [Session.Watch].
	Watched int
}

// resultOK and resultVisitor are the results of what is not refused.
const (
	resultOK      = "ok"
	resultVisitor = "visitor"
)

// refusals are the results by what the error is: the first that it is counts. So what
// may be the reason of another comes after that. errors.Is is asked for each, so what a
// flood can consist of comes first.
var refusals = [...]struct {
	result string
	is     error
}{
	{"token_expired", errors.ErrTokenExpired},
	{"import_over", errors.ErrImportOver},
	{"import_refused", errors.ErrImportRefused},
	{"token_forged", errors.ErrTokenForged},
	{"token_malformed", errors.ErrTokenMalformed},
	{"token_missing", errors.ErrTokenMissing},
	{"anti_csrf", errors.ErrAntiCSRF},
	{"token_theft", errors.ErrTokenTheft},
	{"session_replaced", errors.ErrSessionReplaced},
	{"session_revoked", errors.ErrSessionRevoked},
	{"session_expired", errors.ErrSessionExpired},
	{"session_not_found", errors.ErrSessionNotFound},
	{"token_rotated_out", errors.ErrTokenRotatedOut},
	{"token_foreign", errors.ErrTokenForeign},
	{"token_from_future", errors.ErrTokenFromFuture},
	{"unavailable", errors.ErrUnavailable},
	{"key_unknown", errors.ErrKeyUnknown},
	{"token_duplicated", errors.ErrTokenDuplicated},
	{"cross_origin", errors.ErrCrossOrigin},
	{"step_up", errors.ErrStepUp},
	{"user_required", errors.ErrUserRequired},
	{"invalid_claim", errors.ErrInvalidClaim},
	{"session_limit", errors.ErrSessionLimit},
	{"invalid_input", errors.ErrInvalidInput},
	{"unauthorised", errors.ErrUnauthorised},
	{"try_refresh_token", errors.ErrTryRefreshToken},
}

// resultError is the result of any other error, and the last of them.
const resultError = "error"

// eventKinds and endReasons are all there are.
var (
	eventKinds = [...]EventKind{
		EventCreated, EventRefreshed, EventImported, EventPromoted, EventSwapped, EventDatabaseBehind, EventReplaced, EventTheft,
		EventRevoked, EventDowngraded, EventFeedLagging, EventFeedCaughtUp, EventFeedFull, EventCleanup,
	}
	endReasons = [...]models.RevokeReason{
		models.RevokedBySignOut, models.RevokedByApplication, models.RevokedByRevokeAll, models.RevokedByTheft,
		models.RevokedByNewLogin, models.RevokedByLimit, models.RevokedByReplacement, models.RevokedByOperator,
	}
	storeErrors = [...]string{"unavailable", "timeout", "canceled", "error"}
)

// The counters of a Service, by their numbers in its counts.Set. Those of results begin
// with ok, go on as refusals does, and end with error.
const (
	results = len(refusals) + 2

	countVerified      = 0
	countRefreshed     = countVerified + results
	countSignedIn      = countRefreshed + results
	countVisitors      = countSignedIn + results
	countEvents        = countVisitors + 1
	countDroppedEvents = countEvents + len(eventKinds)
	countEnded         = countDroppedEvents + 1
	countDeleted       = countEnded + len(endReasons)
	countStoreCalls    = countDeleted + 1
	countStoreNanos    = countStoreCalls + 1
	countStoreErrors   = countStoreNanos + 1
	counters           = countStoreErrors + len(storeErrors)
)

func newCounts() *counts.Set { return counts.New(counters) }

// countResult counts how a request for something ended; of says for what.
func (s *Service) countResult(of int, err error) {
	s.counts.Add(of+resultOf(err), 1)
}

func resultOf(err error) int {
	if err == nil {
		return 0
	}
	for i := range refusals {
		if errors.Is(err, refusals[i].is) {
			return i + 1
		}
	}
	return results - 1
}

// countEvent counts what Config.OnEvent is told.
func (s *Service) countEvent(e *Event) {
	if i := slices.Index(eventKinds[:], e.Kind); i >= 0 {
		s.counts.Add(countEvents+i, 1)
	}
	reason, ended := e.Reason, e.Count
	switch e.Kind {
	case EventCleanup:
		s.counts.Add(countDeleted, uint64(max(e.Count, 0)))
		return
	case EventTheft:
		ended = 1
	case EventReplaced:
		reason, ended = models.RevokedByReplacement, 1
	case EventRevoked:
	default:
		return
	}
	if i := slices.Index(endReasons[:], reason); i >= 0 {
		s.counts.Add(countEnded+i, uint64(max(ended, 0)))
	}
}

// Stats are the numbers as of now. It reads memory only, and no request waits for it;
// a closed Service goes on telling them.
func (s *Service) Stats() Stats {
	sums := s.counts.Sums()
	if sums == nil {
		return Stats{} // New did not make it
	}
	stats := Stats{
		Verifications: resultsOf(sums[countVerified:]), Refreshes: resultsOf(sums[countRefreshed:]), SignIns: resultsOf(sums[countSignedIn:]),
		Events: named(eventKinds[:], sums[countEvents:]), EventsDropped: sums[countDroppedEvents],
		SessionsEnded: named(endReasons[:], sums[countEnded:]), RowsDeleted: sums[countDeleted],
		StoreCalls: sums[countStoreCalls], StoreTime: time.Duration(sums[countStoreNanos]), //nolint:gosec // 292 years
		StoreErrors:  named(storeErrors[:], sums[countStoreErrors:]),
		FeedLag:      s.RevocationLag(),
		KeysLoaded:   s.keys.Age(),
		TokensCached: s.cache.Len(), TokenCacheMisses: s.cache.Misses(),
		Watched: s.hints.watch.len(),
	}
	stats.Verifications[resultVisitor] = sums[countVisitors]
	var lost int
	stats.TheftsWaiting, stats.TheftsRunning, lost = s.thefts.Counts()
	stats.TheftsLost = uint64(lost) //nolint:gosec // counted up from 0
	if s.hints.feed != nil {
		stats.FeedEntries = s.hints.feed.Size()
	}
	if s.hints.teller != nil {
		stats.FeedUntold = s.hints.teller.Waiting()
	}
	s.addKeys(&stats)
	return stats
}

func (s *Service) addKeys(stats *Stats) {
	stats.Keys, stats.KeysUnreadable = map[models.KeyPurpose]int{}, map[models.KeyPurpose]int{}
	stats.KeyAge = map[models.KeyPurpose]time.Duration{}
	for purpose, state := range s.keys.States() {
		stats.Keys[purpose], stats.KeysUnreadable[purpose] = state.Readable, state.Unreadable
		stats.KeyAge[purpose] = state.SigningFor
	}
}

// resultsOf gives the counts of results their names.
func resultsOf(sums []uint64) map[string]uint64 {
	byName := make(map[string]uint64, results+1)
	byName[resultOK], byName[resultError] = sums[0], sums[results-1]
	for i := range refusals {
		byName[refusals[i].result] = sums[i+1]
	}
	return byName
}

func named[K ~string](names []K, sums []uint64) map[K]uint64 {
	byName := make(map[K]uint64, len(names))
	for i, name := range names {
		byName[name] = sums[i]
	}
	return byName
}
