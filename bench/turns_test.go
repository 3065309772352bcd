package bench_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Two things by turns in one loop: what else the machine does meets both. Only the
// ratios of these benchmarks mean something, of medians.

// timings are how long things took, by name.
type timings map[string][]time.Duration

func (t timings) of(name string, act func()) {
	begin := time.Now()
	act()
	t[name] = append(t[name], time.Since(begin))
}

func (t timings) median(name string) time.Duration {
	slices.Sort(t[name])
	return t[name][len(t[name])/2]
}

// report says how often the median of other goes into that of name.
func (t timings) report(b *testing.B, name, other, unit string) {
	b.Helper()
	b.ReportMetric(float64(t.median(name))/float64(t.median(other)), unit)
}

// onBothMySQL runs a benchmark as the driver is by default, and interpolating.
func onBothMySQL(b *testing.B, run func(b *testing.B, params []string)) {
	b.Helper()
	b.Run("mysql", func(b *testing.B) { run(b, nil) })
	b.Run("mysql-interpolated", func(b *testing.B) { run(b, []string{"interpolateParams=true"}) })
}

func serviceOn(b *testing.B, db *gorm.DB, unprepared bool) *session.Service {
	b.Helper()
	store, err := gormstore.New(db, gormstore.Config{Unprepared: unprepared})
	require.NoError(b, err)
	require.NoError(b, store.Migrate(b.Context()))
	svc, err := session.New(b.Context(), store, session.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	b.Cleanup(svc.Close)
	return svc
}

// BenchmarkByTurns has each call beside its bare statement, with statements prepared
// and not.
func BenchmarkByTurns(b *testing.B) {
	onBothMySQL(b, func(b *testing.B, params []string) {
		db := testdb.MySQL(b, params...)
		prepared, unprepared := serviceOn(b, db, false), serviceOn(b, db, true)
		raw, err := db.DB()
		require.NoError(b, err)
		s := &stage{raw: raw, mark: func(int) string { return "?" }}
		took := timings{}
		for i := 0; b.Loop(); i++ {
			cycle(b, took, " prepared", prepared)
			cycle(b, took, " unprepared", unprepared)
			took.of("create raw", func() { s.insert(b, i) })
			took.of("refresh raw", func() { s.find(b, i) })
			took.of("promote raw", func() { s.advance(b, i, 0) })
		}
		for _, call := range []string{"create", "refresh", "promote"} {
			took.report(b, call+" prepared", call+" raw", call+"/raw")
			took.report(b, call+" unprepared", call+" raw", call+"-unprepared/raw")
		}
	})
}

// cycle is a sign-in, a refresh and the first use of what it gave.
func cycle(b *testing.B, took timings, mark string, svc *session.Service) {
	b.Helper()
	var tokens *session.Tokens
	var err error
	took.of("create"+mark, func() { tokens, err = svc.Create(b.Context(), "user") })
	require.NoError(b, err)
	took.of("refresh"+mark, func() { tokens, err = svc.Refresh(b.Context(), tokens.Refresh.Value) })
	require.NoError(b, err)
	took.of("promote"+mark, func() { _, _, err = svc.Verify(b.Context(), tokens.Access.Value, tokens.AntiCSRF) })
	require.NoError(b, err)
}

// BenchmarkPool is eight workers on a pool that keeps two idle connections, Go's
// default: connections come and go all the time, and on each new one the statements
// must be prepared anew.
func BenchmarkPool(b *testing.B) {
	for _, idle := range []int{2, 8} {
		b.Run(fmt.Sprintf("idle=%d", idle), func(b *testing.B) {
			onBothMySQL(b, func(b *testing.B, params []string) {
				open := func(unprepared bool) *session.Service {
					db := testdb.MySQL(b, params...)
					pool, err := db.DB()
					require.NoError(b, err)
					pool.SetMaxIdleConns(idle)
					return serviceOn(b, db, unprepared)
				}
				prepared, unprepared := open(false), open(true)
				took := timings{}
				for b.Loop() {
					took.of("prepared", func() { eightWorkers(b, prepared) })
					took.of("unprepared", func() { eightWorkers(b, unprepared) })
				}
				took.report(b, "prepared", "unprepared", "prepared/unprepared")
			})
		})
	}
}

// eightWorkers each go through 25 sign-ins and refreshes.
func eightWorkers(b *testing.B, svc *session.Service) {
	b.Helper()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 25 {
				tokens, err := svc.Create(b.Context(), "user-"+strconv.Itoa(i))
				if err == nil {
					_, err = svc.Refresh(b.Context(), tokens.Refresh.Value)
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}
