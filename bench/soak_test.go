package bench_test

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// TestHeapStaysFlat has a service work without a pause, on ever new sessions,
// and looks at the heap meanwhile: nothing may be kept of what is over. It takes
// some seconds; SESSIONKIT_SOAK=5m makes it `make bench-soak`.
func TestHeapStaysFlat(t *testing.T) {
	const samples = 30
	length := 6 * time.Second
	if text := os.Getenv("SESSIONKIT_SOAK"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	store, err := gormstore.New(testdb.MySQL(t), gormstore.Config{})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	svc, err := session.New(t.Context(), store, session.Config{
		Logger: slog.New(slog.DiscardHandler), TokenCacheBytes: 1 << 20, OperationTimeout: time.Minute,
	})
	require.NoError(t, err)
	defer svc.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		lives   atomic.Int64
		workers sync.WaitGroup
		failed  atomic.Pointer[error]
	)
	for worker := range 4 {
		workers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				err := live(ctx, svc, strconv.Itoa(worker)+"-"+strconv.Itoa(n))
				if err != nil && ctx.Err() == nil {
					failed.Store(&err)
					return
				}
				lives.Add(1)
			}
		})
	}
	heap := make([]int64, 0, samples)
	for range samples {
		time.Sleep(length / samples)
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		heap = append(heap, int64(stats.HeapAlloc))
	}
	cancel()
	workers.Wait()
	if err := failed.Load(); err != nil {
		require.NoError(t, *err)
	}
	middle, last := slices.Max(heap[samples/3:2*samples/3]), slices.Max(heap[2*samples/3:])
	t.Logf("%d sessions in %v, heap in KiB: %d", lives.Load(), length, inKiB(heap))
	require.Greater(t, lives.Load(), int64(samples))
	require.LessOrEqual(t, last, middle+1<<20)
}

// live is the life of a session: sign-in, requests, refresh, requests, sign-out.
func live(ctx context.Context, svc *session.Service, userID string) error {
	tokens, err := svc.Create(ctx, userID, session.WithPayload(map[string]string{"role": "editor"}))
	if err != nil {
		return err
	}
	for range 2 {
		for range 5 {
			if _, _, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF); err != nil {
				return err
			}
		}
		if tokens, err = svc.Refresh(ctx, tokens.Refresh.Value); err != nil {
			return err
		}
	}
	ended, err := svc.Revoke(ctx, tokens.Session.Handle())
	if err == nil && !ended {
		return errors.New("the session was over before its end")
	}
	return err
}

func inKiB(bytes []int64) []int64 {
	out := slices.Clone(bytes)
	for i := range out {
		out[i] >>= 10
	}
	return out
}
