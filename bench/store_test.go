package bench_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
	"github.com/gin-sessionkit/sessionkit/session"
)

// engines are the databases of the benchmarks, MariaDB over TCP.
var engines = []struct {
	name string
	open func(*testing.B) *gorm.DB
}{
	{"mysql", func(b *testing.B) *gorm.DB { return testdb.MySQL(b) }},
	// The driver's own way to spare the round trip that prepares a statement.
	{"mysql-interpolated", func(b *testing.B) *gorm.DB { return testdb.MySQL(b, "interpolateParams=true") }},
	{"postgres", func(b *testing.B) *gorm.DB { return testdb.Postgres(b) }},
	{"sqlite", openSQLite},
}

func openSQLite(b *testing.B) *gorm.DB {
	b.Helper()
	db, err := sqlite.Open(filepath.Join(b.TempDir(), "auth.db"))
	require.NoError(b, err)
	db.Logger = logger.Discard
	b.Cleanup(func() {
		pool, err := db.DB()
		require.NoError(b, err)
		require.NoError(b, pool.Close())
	})
	return db
}

// stage is a service on a database, and the database for the raw twins.
type stage struct {
	*session.Service
	raw *sql.DB
	// mark is the placeholder of the engine's SQL for the nth value.
	mark func(n int) string
}

// onEach runs a benchmark on every engine.
func onEach(b *testing.B, run func(*testing.B, *stage)) {
	b.Helper()
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			db := e.open(b)
			store, err := gormstore.New(db, gormstore.Config{})
			require.NoError(b, err)
			require.NoError(b, store.Migrate(b.Context()))
			svc, err := session.New(b.Context(), store, session.Config{Logger: slog.New(slog.DiscardHandler)})
			require.NoError(b, err)
			b.Cleanup(svc.Close)
			raw, err := db.DB()
			require.NoError(b, err)
			mark := func(int) string { return "?" }
			if e.name == "postgres" {
				mark = func(n int) string { return "$" + strconv.Itoa(n) }
			}
			b.ReportAllocs()
			run(b, &stage{svc, raw, mark})
		})
	}
}

// BenchmarkCreate is a sign-in: two tokens, one INSERT. Its twin is RawInsert.
func BenchmarkCreate(b *testing.B) {
	onEach(b, func(b *testing.B, s *stage) {
		for i := 0; b.Loop(); i++ {
			_, err := s.Create(b.Context(), "user-"+strconv.Itoa(i))
			require.NoError(b, err)
		}
	})
}

// BenchmarkRefresh exchanges the current refresh token: one SELECT. Its twin is RawSelect.
func BenchmarkRefresh(b *testing.B) {
	onEach(b, func(b *testing.B, s *stage) {
		tokens, err := s.Create(b.Context(), "user")
		require.NoError(b, err)
		for b.Loop() {
			_, err := s.Refresh(b.Context(), tokens.Refresh.Value)
			require.NoError(b, err)
		}
	})
}

// batch is how many sessions BenchmarkPromote and its twin work on in turn: with
// one, the timer would be stopped and started in every round, and both would
// update one and the same row.
const batch = 500

// BenchmarkPromote verifies a refreshed token for the first time: one UPDATE. Its twin
// is RawUpdate. What comes before is not counted.
func BenchmarkPromote(b *testing.B) {
	onEach(b, func(b *testing.B, s *stage) {
		waiting := s.waiting(b)
		for b.Loop() {
			if len(waiting) == 0 {
				b.StopTimer()
				waiting = s.waiting(b)
				b.StartTimer()
			}
			tokens := waiting[0]
			waiting = waiting[1:]
			_, replacement, err := s.Verify(b.Context(), tokens.Access.Value, tokens.AntiCSRF)
			if err != nil || replacement == nil {
				b.Fatal(err, replacement)
			}
		}
	})
}

// waiting are tokens of refreshed sessions that wait for their first use.
func (s *stage) waiting(b *testing.B) []*session.Tokens {
	b.Helper()
	list := make([]*session.Tokens, batch)
	for i := range list {
		tokens, err := s.Create(b.Context(), "user-"+strconv.Itoa(i))
		require.NoError(b, err)
		list[i], err = s.Refresh(b.Context(), tokens.Refresh.Value)
		require.NoError(b, err)
	}
	return list
}

// The statements of the twins are those of gormstore, written out.

const columns = "handle, user_id, refresh_cur_hash, refresh_prev_hash, refresh_cur_iat, refresh_gen, " +
	"payload, data, data_version, created_at, last_used_at, expires_at, absolute_expires_at, " +
	"auth_at, aal, idle_ms, flags, revoked_at, revoke_reason, user_agent, ip, label, amr, origin"

// columnCount is how many they are.
const columnCount = 24

// row holds the values of columns as Create writes them.
func row(handle string) []any {
	const now, end = 1_795_000_000_000, 1_803_640_000_000
	return []any{
		[]byte(handle), []byte("user of " + handle), hash(0), make([]byte, 32), now, 0,
		nil, nil, 0, now, now, end, 0, 0, 0, 0, 0, 0, "", "", "", "",
		[]byte{},
		[]byte{},
	}
}

func BenchmarkRawInsert(b *testing.B) {
	onEach(b, func(b *testing.B, s *stage) {
		for i := 0; b.Loop(); i++ {
			s.insert(b, i)
		}
	})
}

func BenchmarkRawSelect(b *testing.B) {
	onEach(b, func(b *testing.B, s *stage) {
		s.insert(b, 0)
		for b.Loop() {
			s.find(b, 0)
		}
	})
}

func BenchmarkRawUpdate(b *testing.B) {
	onEach(b, func(b *testing.B, s *stage) {
		for i := range batch {
			s.insert(b, i)
		}
		for i := 0; b.Loop(); i++ {
			s.advance(b, i%batch, i/batch)
		}
	})
}

func (s *stage) insert(b *testing.B, i int) {
	b.Helper()
	s.exec(b, "INSERT INTO auth_sessions ("+columns+") VALUES ("+s.marks(columnCount)+")", row(handle(i))...)
}

func (s *stage) find(b *testing.B, i int) {
	b.Helper()
	var values [columnCount]any
	targets := make([]any, len(values))
	for i := range values {
		targets[i] = &values[i]
	}
	query := "SELECT " + columns + " FROM auth_sessions WHERE handle = " + s.mark(1)
	require.NoError(b, s.raw.QueryRowContext(b.Context(), query, []byte(handle(i))).Scan(targets...))
}

// advance changes a row for the nth time.
func (s *stage) advance(b *testing.B, i, n int) {
	b.Helper()
	query := "UPDATE auth_sessions SET refresh_prev_hash = " + s.mark(1) + ", refresh_cur_hash = " + s.mark(2) +
		", refresh_cur_iat = " + s.mark(3) + ", refresh_gen = " + s.mark(4) + ", last_used_at = " + s.mark(5) +
		", expires_at = CASE WHEN expires_at < " + s.mark(6) + " THEN " + s.mark(7) + " ELSE expires_at END" +
		" WHERE handle = " + s.mark(8) + " AND refresh_cur_hash = " + s.mark(9) +
		" AND revoked_at = 0 AND expires_at > " + s.mark(10) + " AND (absolute_expires_at = 0 OR absolute_expires_at > " + s.mark(11) + ")"
	cur, next, now := hash(n), hash(n+1), int64(1_795_000_000_001+n)
	end := now + 8_640_000_000 // it moves, as the kit's does
	s.exec(b, query, cur, next, now, n, now, end, end, []byte(handle(i)), cur, now, now)
}

// hash is the current hash of a row that was changed n times.
func hash(n int) []byte {
	h := bytes.Repeat([]byte{0x5a}, 32)
	if n > 0 {
		copy(h, strconv.Itoa(n))
	}
	return h
}

// handle is one of 26 characters, in order of i as the kit's are.
func handle(i int) string {
	digits := strconv.Itoa(i)
	return "06b4k8qk00g00000000000000000"[:26-len(digits)] + digits
}

func (s *stage) marks(n int) string {
	var list []byte
	for i := range n {
		if i > 0 {
			list = append(list, ", "...)
		}
		list = append(list, s.mark(i+1)...)
	}
	return string(list)
}

// exec changes exactly one row.
func (s *stage) exec(b *testing.B, query string, args ...any) {
	b.Helper()
	result, err := s.raw.ExecContext(b.Context(), query, args...)
	require.NoError(b, err)
	n, err := result.RowsAffected()
	require.NoError(b, err)
	require.EqualValues(b, 1, n)
}
