package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/theft"
	"github.com/gin-sessionkit/sessionkit/models"
)

// EventKind names what happened.
type EventKind string

// The events. Handles are in Event only; the log shows a short hash of them.
const (
	EventCreated   EventKind = "session_created"
	EventRefreshed EventKind = "session_refreshed"
	// EventImported: a session of an earlier system was taken over. Requests of one
	// millisecond that store the very same row may each tell of it.
	EventImported EventKind = "session_imported"
	// EventPromoted: the client used its new tokens, so the old ones are dead.
	EventPromoted EventKind = "session_promoted"
	// EventSwapped: one of two tabs' refreshes within the window replaced the other's.
	EventSwapped EventKind = "session_swapped"
	// EventDatabaseBehind: a client's token was ahead of the database, which
	// has lost commits (a failover, a restored backup).
	EventDatabaseBehind EventKind = "database_behind"
	// EventReplaced: a session that Replace made was used first, and the one before it has
	// ended. Handle is the next one.
	EventReplaced EventKind = "session_replaced"
	// EventTheft: a replaced refresh token was used. The session is revoked. Stored and
	// Presented are the two clients.
	EventTheft EventKind = "token_theft"
	// EventRevoked: a session, or every session of a user, was revoked.
	EventRevoked EventKind = "session_revoked"
	// EventDowngraded: sessions of a user lost their level, by Downgrade.
	EventDowngraded EventKind = "session_downgraded"
	// EventFeedLagging: the feed has not been read for longer than Feed.Within, so that
	// revocations of other processes are not known. EventFeedCaughtUp ends it.
	EventFeedLagging  EventKind = "feed_lagging"
	EventFeedCaughtUp EventKind = "feed_caught_up"
	// EventFeedFull: there are more revocations than Feed.MaxEntries. It is over when
	// enough of them are a day old; EventFeedCaughtUp does not mean that.
	EventFeedFull EventKind = "feed_full"
	// EventCleanup: rows of ended sessions were removed.
	EventCleanup EventKind = "cleanup"
)

// Event is something worth counting or recording.
type Event struct {
	Kind EventKind
	Time time.Time
	// Handle names the session, UserID its user, where they are known.
	Handle, UserID string
	// NewDevice goes with EventCreated, where Config.NewDeviceNotice is on: nothing
	// shows that this user has signed in with this browser before. It is false where
	// there is no browser to tell, or no user: sign-ins by header or without HTTP, and
	// visitors' sessions, until they sign in (As).
	NewDevice bool
	// Kept goes with EventRevoked of RevokeOthers: the session that lives on.
	Kept string
	// Reason goes with EventRevoked and EventTheft.
	Reason models.RevokeReason
	// Count is the number of sessions or rows.
	Count int
	// SinceRotation goes with EventTheft: how long ago the token was replaced.
	SinceRotation time.Duration
	// Stored and Presented go with EventTheft: the client that the session was created
	// by, and the one that came with the replaced token. Which of them is the thief
	// nobody knows: whoever refreshes first has the newer token, and the other one is
	// found out. Presented is empty without HTTP.
	Stored, Presented Client
}

// Client is a browser or program, as far as it says so itself, and its address as far
// as Config.IPAddresses lets it be known. Both may be empty. Pages must escape them.
type Client struct{ UserAgent, IP string }

// level is Debug for what happens all day.
func (k EventKind) level() slog.Level {
	switch k {
	case EventTheft, EventDatabaseBehind, EventFeedLagging, EventFeedFull:
		return slog.LevelWarn
	case EventCleanup, EventRevoked, EventDowngraded, EventFeedCaughtUp:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

// emit logs e and tells Config.OnEvent.
func (s *Service) emit(ctx context.Context, e Event) {
	e.Time = s.cfg.Now()
	s.countEvent(&e)
	if level := e.Kind.level(); s.cfg.Logger.Enabled(ctx, level) {
		var attrs []slog.Attr
		if e.Handle != "" {
			attrs = append(attrs, slog.String("session", shortHash(e.Handle)))
		}
		if e.Reason != "" {
			attrs = append(attrs, slog.String("reason", string(e.Reason)))
		}
		if e.NewDevice {
			attrs = append(attrs, slog.Bool("new_device", true))
		}
		if e.Kept != "" {
			attrs = append(attrs, slog.String("kept", shortHash(e.Kept)))
		}
		if e.Count > 0 {
			attrs = append(attrs, slog.Int("count", e.Count))
		}
		if e.Kind == EventTheft {
			attrs = append(attrs, slog.Duration("since_rotation", e.SinceRotation))
		}
		s.cfg.Logger.LogAttrs(ctx, level, "sessionkit: "+string(e.Kind), attrs...)
	}
	if s.cfg.OnEvent != nil {
		s.callOnEvent(ctx, e)
	}
}

// callOnEvent keeps a panic of the application's hook away from the request.
func (s *Service) callOnEvent(ctx context.Context, e Event) {
	defer func() {
		if recover() != nil {
			s.logPanic(ctx, "sessionkit: Config.OnEvent panicked", slog.String("event", string(e.Kind)))
		}
	}()
	s.cfg.OnEvent(e)
}

// survive, deferred, keeps a panic of an application's store away from the loop that
// called it.
func (s *Service) survive(ctx context.Context, text string) {
	if recover() != nil {
		s.logPanic(ctx, text)
	}
}

// logPanic logs a recovered panic without its value, which may hold anything.
// What panicked may be the logger, and the goroutine one that nobody recovers.
func (s *Service) logPanic(ctx context.Context, text string, attrs ...slog.Attr) {
	defer func() { _ = recover() }()
	s.cfg.Logger.LogAttrs(ctx, slog.LevelError, text, attrs...)
}

// logUntold logs what became of a call of Config.OnTheft.
func (s *Service) logUntold(f theft.Failure) {
	s.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "sessionkit: Config.OnTheft "+string(f.Reason),
		slog.String("session", shortHash(f.Theft.SessionHandle)), slog.Int("not_told_so_far", f.Lost))
}

// shortHash names a session in logs: the same one in every line, and of no
// use to whoever reads them. A handle has 80 random bits, so the hash needs no key.
func shortHash(handle string) string {
	if handle == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("sessionkit.log.v1:" + handle))
	return hex.EncodeToString(sum[:6])
}
