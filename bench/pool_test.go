package bench_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// BenchmarkPool is refreshes and sign-ins by eight workers, with statements prepared and
// not. A pool keeps two idle connections if nobody says otherwise: then connections
// come and go all the time, and on each the statements must be prepared anew.
func BenchmarkPool(b *testing.B) {
	for _, dsn := range []string{"", "interpolateParams=true"} {
		for _, idle := range []int{2, 8} {
			for _, unprepared := range []bool{true, false} {
				name := fmt.Sprintf("idle=%d/%s/unprepared=%t", idle, map[bool]string{true: "driver", false: "interpolated"}[dsn == ""], unprepared)
				db := func(b *testing.B) *session.Service { return poolService(b, dsn, idle, unprepared) }
				b.Run("refresh/"+name, func(b *testing.B) { refreshInParallel(b, db(b)) })
				b.Run("create/"+name, func(b *testing.B) { createInParallel(b, db(b)) })
			}
		}
	}
}

func poolService(b *testing.B, params string, idle int, unprepared bool) *session.Service {
	b.Helper()
	var list []string
	if params != "" {
		list = []string{params}
	}
	db := testdb.MySQL(b, list...)
	pool, err := db.DB()
	require.NoError(b, err)
	pool.SetMaxIdleConns(idle)
	store, err := gormstore.New(db, gormstore.Config{Unprepared: unprepared})
	require.NoError(b, err)
	require.NoError(b, store.Migrate(b.Context()))
	svc, err := session.New(b.Context(), store, session.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	b.Cleanup(svc.Close)
	return svc
}

func refreshInParallel(b *testing.B, svc *session.Service) {
	b.Helper()
	tokens, err := svc.Create(b.Context(), "user")
	require.NoError(b, err)
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := svc.Refresh(b.Context(), tokens.Refresh.Value); err != nil {
				b.Error(err)
			}
		}
	})
}

func createInParallel(b *testing.B, svc *session.Service) {
	b.Helper()
	var n atomic.Int64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := svc.Create(b.Context(), "user-"+strconv.FormatInt(n.Add(1), 10)); err != nil {
				b.Error(err)
			}
		}
	})
}
