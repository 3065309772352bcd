package bench_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// BenchmarkPoll is one poll of the feed on MariaDB, as every process sends it four
// times in each Config.Feed.Within: with nothing in the feed, and with a day of one
// revocation in each second, of which it reads the last minute.
func BenchmarkPoll(b *testing.B) {
	for _, hints := range []int{0, 86_400} {
		b.Run(strconv.Itoa(hints), func(b *testing.B) {
			store, _, q := openFeed(b, hints)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := store.ReadFeed(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestPollsOfManyProcesses lets SESSIONKIT_POLLERS processes' polls, at the default
// Within, onto one MariaDB for SECONDS, by default 20, and says what they cost it.
func TestPollsOfManyProcesses(t *testing.T) {
	processes, _ := strconv.Atoi(os.Getenv("SESSIONKIT_POLLERS"))
	if processes == 0 {
		t.Skip("set SESSIONKIT_POLLERS, such as 1000: it takes half a minute and the whole machine")
	}
	const every, connections = 500 * time.Millisecond, 100
	store, db, q := openFeed(t, 86_400)
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	before, start := serverCPU(t, pool), time.Now()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for i := range processes {
		all.Go(func() {
			time.Sleep(every * time.Duration(i) / time.Duration(processes))
			for tick := time.NewTicker(every); ; <-tick.C {
				began := time.Now()
				if _, err := store.ReadFeed(ctx, q); err != nil {
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	cpu := serverCPU(t, pool) - before
	slices.Sort(took)
	t.Logf("%d processes, %.0f polls/s: MariaDB used %.2f cores, %v a poll; p50 %v, p99 %v",
		processes, float64(len(took))/time.Since(start).Seconds(), cpu.Seconds()/time.Since(start).Seconds(),
		(cpu / time.Duration(len(took))).Round(time.Microsecond), took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
}

// openFeed is a store whose feed has a hint in each of the last seconds, and the query
// of a poll.
func openFeed(tb testing.TB, hints int) (*gormstore.Store, *gorm.DB, models.FeedQuery) {
	tb.Helper()
	db := testdb.MySQL(tb)
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(tb, err)
	require.NoError(tb, store.Migrate(tb.Context()))
	require.NoError(tb, store.TurnFeedOn(tb.Context()))
	now, err := store.ReadFeed(tb.Context(), models.FeedQuery{})
	require.NoError(tb, err)
	for page := range slices.Chunk(make([]struct{}, hints), 1000) {
		values := make([]string, len(page))
		for i := range values {
			hints--
			values[i] = fmt.Sprintf("(%d, LEFT(UNHEX(MD5('%d')), 8), 'session', '%s')", now.Clock-int64(hints)*1000, hints, rand.Text())
		}
		require.NoError(tb, db.WithContext(tb.Context()).Exec("INSERT INTO auth_feed (at, id, kind, subject) VALUES "+strings.Join(values, ", ")).Error)
	}
	return store, db, models.FeedQuery{After: models.FeedPosition{At: now.Clock - time.Minute.Milliseconds()}, Limit: 1000}
}

// serverCPU is the processor time that the database server has used.
func serverCPU(t *testing.T, pool *sql.DB) time.Duration {
	t.Helper()
	var file string
	require.NoError(t, pool.QueryRowContext(t.Context(), "SELECT @@pid_file").Scan(&file))
	pid, err := os.ReadFile(file)
	require.NoError(t, err)
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	require.NoError(t, err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(t, err)
	return time.Duration(user+system) * time.Second / 100
}
