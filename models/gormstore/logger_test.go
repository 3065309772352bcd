package gormstore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// recorder is a log that several goroutines write.
type recorder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// everything is GORM's own logger at its most talkative.
func everything(to *recorder) logger.Interface {
	return logger.New(log.New(to, "", 0), logger.Config{SlowThreshold: time.Nanosecond, LogLevel: logger.Info})
}

// secretRow has a canary in every value that is not a number. Printable ones,
// hashes included: GORM shows bytes that are not printable as <binary>.
func secretRow() models.Session {
	row := newRow("CanaryHandle")
	row.UserID, row.UserAgent, row.IP, row.Label = "CanaryUser", "CanaryAgent", "CanaryIP", "CanaryLabel"
	row.AMR, row.Origin = "CanaryAMR", "CanaryOrigin"
	row.Payload, row.Data = []byte(`"CanaryPayload"`), []byte(`"CanaryData"`)
	row.Lineage.Current = models.Hash([]byte("CanaryHashOfTheCurrentTokenXXXXX"))
	row.Lineage.Previous = models.Hash([]byte("CanaryHashOfThePreviousTokenXXXX"))
	return row
}

// requireNoCanary looks for them in the forms in which bytes are printed.
func requireNoCanary(t *testing.T, text, where string) {
	t.Helper()
	const plain = "Canary"
	numbers := strings.Trim(fmt.Sprintf("%d", []byte(plain)), "[]")
	forms := []string{
		plain, numbers, strings.ReplaceAll(numbers, " ", ", "),
		hex.EncodeToString([]byte(plain)), strings.ToUpper(hex.EncodeToString([]byte(plain))),
		base64.RawStdEncoding.EncodeToString([]byte(plain)),
	}
	for _, form := range forms {
		require.NotContains(t, text, form, where)
	}
}

// LOG-01: whatever the level, the slow log included, and whatever fails.
func TestLogHasNoValues(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		logged := &recorder{}
		db.Logger = everything(logged)
		store := newStore(t, db)
		for _, err := range leakingCalls(t, db, store) {
			requireNoCanary(t, err, "an error")
		}
		out := logged.String()
		requireNoCanary(t, out, "the log")
		for _, part := range []string{"INSERT INTO", "UPDATE", "SLOW SQL", "SELECT handle"} {
			require.Contains(t, out, part, "the log has the statements themselves")
		}
		require.NotContains(t, strings.ToLower(out), "duplicate", "the end of a race is no fault")

		// The test sees what it looks for: without the store the values are there.
		db.Exec("UPDATE auth_sessions SET user_agent = ? WHERE ip = ?", "CanaryAgent", "x")
		require.Contains(t, logged.String(), "CanaryAgent")
	})
}

// leakingCalls goes through all methods with canaries as values, successfully,
// then into duplicates and missing tables, and returns the texts of the errors.
func leakingCalls(t *testing.T, db *gorm.DB, store *gormstore.Store) (texts []string) {
	t.Helper()
	ctx := t.Context()
	row := secretRow()
	note := func(err error) {
		if err != nil {
			texts = append(texts, err.Error(), fmt.Sprintf("%+v %#v", err, err))
		}
	}
	call := func() {
		twin := row
		twin.UserID = "CanaryOther"
		note(store.Insert(ctx, &row))
		note(store.Insert(ctx, &twin))
		note(last(store.Find(ctx, row.Handle)))
		note(last(store.List(ctx, models.SessionsOfUser{UserID: row.UserID, Now: now})))
		next := step(row, "CanaryNext")
		next.ExpectPrevious = row.Lineage.Previous
		note(last(store.Advance(ctx, next)))
		note(last(store.Extend(ctx, models.Extend{Handle: row.Handle, Current: row.Lineage.Current, Now: now})))
		note(last(store.Confirm(ctx, models.Confirmation{Handle: row.Handle, Now: now})))
		note(last(store.WriteData(ctx, models.DataWrite{Handle: row.Handle, Data: row.Data, Now: now})))
		note(last(store.WritePayload(ctx, models.PayloadWrite{Handle: row.Handle, Old: row.Payload, New: []byte(`"CanaryNew"`), Now: now})))
		note(last(store.Downgrade(ctx, models.Downgrade{UserID: row.UserID, Now: now, From: models.Position{CreatedAt: now * 2, Handle: "CanaryPlace"}})))
		note(last(store.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Except: "CanaryExcept", Reason: "CanaryReason", Now: now})))
		note(last(store.Revoke(ctx, models.Revocation{Handle: row.Handle, Reason: "CanaryReason", Successor: "CanarySuccessor", Now: now})))
		note(last(store.SetLabel(ctx, models.LabelWrite{Handle: row.Handle, UserID: row.UserID, Label: "CanaryLabel", Now: now})))
		note(last(store.Walk(ctx, models.Walk{After: "Canary", Now: now})))
		note(last(store.RevokeMany(ctx, models.RevocationOfMany{Handles: []string{row.Handle}, Reason: "CanaryReason", Now: now})))
		hint := models.Hint{ID: models.HintID([]byte("CanaryID")), Kind: "Canary", Subject: "CanarySubject", Owner: "CanaryOwner"}
		note(store.WriteHint(ctx, hint))
		note(last(store.ReadFeed(ctx, models.FeedQuery{After: hint.Position()})))
		note(last(store.FindMany(ctx, []string{row.Handle})))
		note(last(store.DeleteHints(ctx, now*2, 1)))
		key := models.SigningKey{ID: "CanaryKey", Purpose: "p", Slot: 1, Secret: []byte("CanarySecret"), RetireAt: now}
		note(store.InsertKey(ctx, key))
		key.Slot = 2
		note(store.InsertKey(ctx, key)) // the same id
		note(last(store.Keys(ctx, 0)))
		note(last(store.SealKey(ctx, key.ID, key.Secret, key.Secret)))
		note(last(store.RetireKey(ctx, key.ID, 1)))
		note(last(store.DeleteEnded(ctx, models.EndedSessions{Before: now * 2, Limit: 5})))
	}
	call()
	rawExec(t, db, "ALTER TABLE auth_sessions RENAME TO moved")
	rawExec(t, db, "ALTER TABLE auth_signing_keys RENAME TO moved_keys")
	rawExec(t, db, "ALTER TABLE auth_feed RENAME TO moved_feed")
	call()
	require.Greater(t, len(texts), 10)
	return texts
}

func last[T any](_ T, err error) error { return err }

// A tracing plugin does not ask the logger what to leave out. Where GORM can be
// kept from explaining the secrets, it is.
func TestPluginsSeeNoSecrets(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		if engine.name == "postgres" {
			continue // see the package documentation
		}
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			db := engine.open(t)
			traced := &recorder{}
			trace := func(db *gorm.DB) {
				_, _ = fmt.Fprintln(traced, db.Explain(db.Statement.SQL.String(), db.Statement.Vars...))
				_, _ = fmt.Fprintf(traced, "%v %+v %s\n", db.Statement.Vars, db.Statement.Vars, db.Statement.Vars)
			}
			require.NoError(t, db.Callback().Raw().After("gorm:raw").Register("trace", trace))
			require.NoError(t, db.Callback().Row().After("gorm:row").Register("trace", trace))
			store := newStore(t, db)
			leakingCalls(t, db, store)
			out := traced.String()
			require.Contains(t, out, "[hidden]")
			for _, secret := range []string{"CanaryHash", "CanaryPayload", "CanaryData", "CanaryNew", "CanarySecret"} {
				require.NotContains(t, out, secret)
			}
		})
	}
}

// The application's own logger can tell the kinds of failure apart.
func TestLogHasTheKitsErrors(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	seen := &errorLogger{Interface: logger.Discard}
	db.Logger = seen
	store := newStore(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Find(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
	rawExec(t, db, "DROP TABLE auth_sessions")
	_, err = store.Find(t.Context(), "x")
	require.ErrorIs(t, err, errors.ErrSchema)

	require.Len(t, seen.errs, 2)
	require.ErrorIs(t, seen.errs[0], context.Canceled)
	require.ErrorIs(t, seen.errs[0], errors.ErrUnavailable)
	require.ErrorIs(t, seen.errs[1], errors.ErrSchema)
}

// errorLogger keeps the errors that statements end with.
type errorLogger struct {
	logger.Interface
	mu   sync.Mutex
	errs []error
}

func (l *errorLogger) Trace(_ context.Context, _ time.Time, _ func() (string, int64), err error) {
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.errs = append(l.errs, err)
	}
}

func (l *errorLogger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.errs)
}

// first returns the first error, or nil.
func (l *errorLogger) first() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) == 0 {
		return nil
	}
	return l.errs[0]
}

// What GORM says by itself passes without its data, at any level.
func TestLogMessagesHaveNoData(t *testing.T) {
	t.Parallel()
	logged := &recorder{}
	quiet := gormstore.QuietLogger(everything(logged))
	ctx := t.Context()
	quiet.Info(ctx, "one %v", "Canary")
	quiet.Warn(ctx, "two %d %v", 1, errors.New("Canary"))
	quiet.LogMode(logger.Info).Error(ctx, "three %v", []byte("Canary"))
	for _, part := range []string{"one", "two", "three", "[hidden]"} {
		require.Contains(t, logged.String(), part)
	}
	requireNoCanary(t, logged.String(), "the log")
	before := len(logged.String())
	quiet.LogMode(logger.Silent).Error(ctx, "four")
	require.Len(t, logged.String(), before)
}
