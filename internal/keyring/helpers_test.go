package keyring_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	access  = models.KeyForAccess
	refresh = models.KeyForRefresh
	other   = models.KeyPurpose("other")
)

// epoch is a moment in the middle of its day-long slot.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// table is a key table in memory. Its zero value is empty.
type table struct {
	mu      sync.Mutex
	rows    []models.SigningKey
	reads   int
	inserts int
	busy    int // statements under way
	widest  int // most of them at once
	fail    error
	hang    chan struct{} // if set, statements wait for it or their context
	before  func()        // runs before each read
	after   func()        // runs when a read has its rows, and has not returned
}

func (s *table) enter(ctx context.Context) error {
	s.mu.Lock()
	s.busy++
	s.widest = max(s.widest, s.busy)
	fail, hang := s.fail, s.hang
	s.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return errors.WithReason(errors.ErrUnavailable, ctx.Err())
		}
	}
	if ctx.Err() != nil {
		return errors.WithReason(errors.ErrUnavailable, ctx.Err())
	}
	return fail
}

func (s *table) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
}

func (s *table) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	defer s.leave()
	err := s.enter(ctx)
	s.mu.Lock()
	s.reads++
	before := s.before
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if before != nil {
		before()
	}
	s.mu.Lock()
	var live []models.SigningKey
	for _, row := range s.rows {
		if row.RetireAt > now {
			row.Secret = bytes.Clone(row.Secret)
			live = append(live, row)
		}
	}
	after := s.after
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return live, nil
}

func (s *table) InsertKey(ctx context.Context, key models.SigningKey) error {
	defer s.leave()
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inserts++
	for _, row := range s.rows {
		if row.Purpose == key.Purpose && row.Slot == key.Slot {
			return nil
		}
	}
	s.rows = append(s.rows, key)
	return nil
}

func (s *table) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	defer s.leave()
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, row := range s.rows {
		if row.ID == id && row.RetireAt > at {
			s.rows[i].RetireAt = at
			return true, nil
		}
	}
	return false, nil
}

func (s *table) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	defer s.leave()
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, row := range s.rows {
		if row.ID == id && bytes.Equal(row.Secret, read) {
			s.rows[i].Secret = bytes.Clone(sealed)
			return true, nil
		}
	}
	return false, nil
}

func (s *table) DeleteKeys(ctx context.Context, before int64) (int, error) {
	defer s.leave()
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	had := len(s.rows)
	s.rows = slices.DeleteFunc(s.rows, func(k models.SigningKey) bool { return k.RetireAt < before })
	return had - len(s.rows), nil
}

// set changes the table under its lock.
func (s *table) set(change func(*table)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *table) count() (reads, inserts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads, s.inserts
}

// underWay counts the statements that have not returned.
func (s *table) underWay() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy
}

// of returns the rows of one purpose, oldest slot first.
func (s *table) of(p models.KeyPurpose) []models.SigningKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := slices.DeleteFunc(slices.Clone(s.rows), func(k models.SigningKey) bool { return k.Purpose != p })
	slices.SortFunc(rows, func(a, b models.SigningKey) int { return int(a.Slot - b.Slot) })
	return rows
}

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: epoch} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) ms() int64 { return c.Now().UnixMilli() }

// logs collects what a ring writes. Safe for concurrent use.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

const day = 24 * time.Hour

func schedules() []keyring.Schedule {
	return []keyring.Schedule{
		{Purpose: access, Rotation: day, TokenLifetime: time.Hour},
		{Purpose: refresh, Rotation: 25 * day, TokenLifetime: 100 * day},
	}
}

func config(c *clock) keyring.Config {
	return keyring.Config{Schedules: schedules(), Now: c.Now, Logger: slog.New(slog.DiscardHandler)}
}

func newRing(t *testing.T, store keyring.Store, cfg keyring.Config) *keyring.Ring {
	t.Helper()
	r, err := keyring.New(t.Context(), store, cfg)
	require.NoError(t, err)
	return r
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// requireUnknown asserts the certain verdict, which ends sessions.
func requireUnknown(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errors.ErrKeyUnknown)
	require.NotErrorIs(t, err, errors.ErrUnavailable)
}

// requireUndecided asserts the verdict that ends none.
func requireUndecided(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.ErrorIs(t, err, errors.ErrKeyUnknown)
}
