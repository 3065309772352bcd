package bench_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// BenchmarkGinBare is the twin of all others here: the router and the handler
// without a session.
func BenchmarkGinBare(b *testing.B) {
	router := gin.New()
	router.GET("/", answer)
	serve(b, router, []string{"none"}, http.StatusOK)
}

// BenchmarkGinVerify is the usual case: request after request with the same
// promoted token.
func BenchmarkGinVerify(b *testing.B) {
	svc, store := newService(b, session.Config{})
	tokens := accessTokens(b, svc, 1)
	store.Arm()
	serve(b, protected(svc), tokens, http.StatusOK)
	b.ReportMetric(float64(store.Calls())/float64(b.N), "statements/op")
}

// BenchmarkGinVerifyParallel is the same on all processors at once, with sessions of
// 64 users, which fill half of the cache: it keeps book of its hits only then. With
// -cpu 1,2 it says what a second processor brings. Its twin is GinBareParallel.
func BenchmarkGinVerifyParallel(b *testing.B) {
	svc, store := newService(b, session.Config{TokenCacheBytes: 128 << 10})
	tokens := accessTokens(b, svc, 64)
	store.Arm()
	serveParallel(b, protected(svc), tokens)
	b.ReportMetric(float64(store.Calls())/float64(b.N), "statements/op")
}

// BenchmarkGinVerifyScraped is BenchmarkGinVerifyParallel while somebody reads
// Service.Stats a hundred times a second: a thousand times as often as a Prometheus does
// that scrapes every ten seconds.
func BenchmarkGinVerifyScraped(b *testing.B) {
	svc, store := newService(b, session.Config{TokenCacheBytes: 128 << 10})
	tokens := accessTokens(b, svc, 64)
	store.Arm()
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = svc.Stats()
			}
		}
	}()
	serveParallel(b, protected(svc), tokens)
	stop()
	<-done
	b.ReportMetric(float64(store.Calls())/float64(b.N), "statements/op")
}

// BenchmarkGinBareParallel is what two processors bring without the kit.
func BenchmarkGinBareParallel(b *testing.B) {
	router := gin.New()
	router.GET("/", answer)
	serveParallel(b, router, []string{"none"})
}

// BenchmarkGinVerifyUncached is the same without the cache of verified tokens.
func BenchmarkGinVerifyUncached(b *testing.B) {
	svc, store := newService(b, session.Config{TokenCacheBytes: session.Off})
	tokens := accessTokens(b, svc, 1)
	store.Arm()
	serve(b, protected(svc), tokens, http.StatusOK)
	b.ReportMetric(float64(store.Calls())/float64(b.N), "statements/op")
}

// BenchmarkGinVerifyFirstSeen verifies tokens that this process does not know:
// there are always more of them than the cache holds.
func BenchmarkGinVerifyFirstSeen(b *testing.B) {
	svc, store := newService(b, session.Config{TokenCacheBytes: 64 << 10})
	tokens := accessTokens(b, svc, 1000)
	store.Arm()
	serve(b, protected(svc), tokens, http.StatusOK)
	b.ReportMetric(float64(store.Calls())/float64(b.N), "statements/op")
}

// BenchmarkGinVerifyForged refuses tokens of ours whose signature is wrong.
func BenchmarkGinVerifyForged(b *testing.B) {
	svc, store := newService(b, session.Config{})
	tokens := accessTokens(b, svc, 1000)
	for i, text := range tokens {
		tokens[i] = forge(text)
	}
	store.Arm()
	serve(b, protected(svc), tokens, http.StatusUnauthorized)
	b.ReportMetric(float64(store.Calls())/float64(b.N), "statements/op")
}

// BenchmarkGinVerifySoon is BenchmarkGinVerify with the feed on, and with so many
// revocations of other sessions in it: half of them of sessions, half of users.
func BenchmarkGinVerifySoon(b *testing.B) {
	for _, entries := range []int{0, 100_000} {
		b.Run(strconv.Itoa(entries), func(b *testing.B) {
			svc, store := newService(b, session.Config{Revocation: session.RevokeSoon}, entries)
			tokens := accessTokens(b, svc, 1)
			store.Arm()
			serve(b, protected(svc), tokens, http.StatusOK)
			polls := store.Counts()["ReadFeed"]
			b.ReportMetric(float64(store.Calls()-polls)/float64(b.N), "statements/op")
		})
	}
}

// newService is a service on the in-memory store, which counts its calls, and whose
// feed has so many hints.
func newService(b *testing.B, cfg session.Config, hints ...int) (*session.Service, *storetest.FaultyStore) {
	b.Helper()
	store := storetest.Faulty(memstore.New())
	for _, n := range hints {
		revoked(b, store, n)
	}
	cfg.Logger = slog.New(slog.DiscardHandler)
	svc, err := session.New(b.Context(), store, cfg)
	require.NoError(b, err)
	b.Cleanup(svc.Close)
	return svc, store
}

// revoked writes n hints.
func revoked(b *testing.B, store session.FeedStore, n int) {
	b.Helper()
	for i := range n {
		h := models.Hint{Kind: models.HintSession, Subject: rand.Text()}
		if i%2 == 0 {
			h.Kind = models.HintUser
		}
		_, _ = rand.Read(h.ID[:])
		require.NoError(b, store.WriteHint(b.Context(), h))
	}
}

// accessTokens are access tokens of n new sessions.
func accessTokens(b *testing.B, svc *session.Service, n int) []string {
	b.Helper()
	texts := make([]string, n)
	for i := range texts {
		tokens, err := svc.Create(b.Context(), "user-"+strconv.Itoa(i), session.WithPayload(map[string]string{"role": "editor"}))
		require.NoError(b, err)
		texts[i] = tokens.Access.Value
	}
	return texts
}

// forge exchanges one character in the middle of the signature.
func forge(text string) string {
	at, other := len(text)-20, byte('A')
	if text[at] == other {
		other = 'B'
	}
	return text[:at] + string(other) + text[at+1:]
}

func protected(svc *session.Service) http.Handler {
	router := gin.New()
	router.Use(middleware.Verify(svc))
	router.GET("/", func(c *gin.Context) {
		if c.MustGet(middleware.Key).(*session.Session).UserID() == "" {
			panic("a session of nobody")
		}
		answer(c)
	})
	return router
}

func answer(c *gin.Context) { c.String(http.StatusOK, "hello") }

// requestsWith are GET requests with the access tokens.
func requestsWith(b *testing.B, tokens []string) []*http.Request {
	b.Helper()
	requests := make([]*http.Request, len(tokens))
	for i, text := range tokens {
		requests[i] = httptest.NewRequestWithContext(b.Context(), http.MethodGet, "https://app.example/", nil)
		requests[i].Header.Set("Cookie", "theme=dark; sAccessToken="+text)
	}
	return requests
}

// serveParallel is serve on all processors, each with requests of its own.
func serveParallel(b *testing.B, handler http.Handler, tokens []string) {
	b.Helper()
	holdHeap(b)
	sets := make(chan []*http.Request, runtime.GOMAXPROCS(0))
	for range cap(sets) {
		sets <- requestsWith(b, tokens)
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		requests, w := <-sets, &writer{header: make(http.Header)}
		for i := 0; pb.Next(); i++ {
			clear(w.header)
			w.status = 0
			handler.ServeHTTP(w, requests[i%len(requests)])
			if w.status != http.StatusOK {
				b.Errorf("answered %d", w.status)
				return
			}
		}
	})
}

// holdHeap holds as much memory as a small application does. With less than 4 MB in
// use the collector would run hundreds of times a second, and that is what would be
// measured.
func holdHeap(b *testing.B) {
	b.Helper()
	heap := make([]byte, 64<<20)
	b.Cleanup(func() { runtime.KeepAlive(heap) })
}

// serve has handler answer GET requests with the access tokens in turn.
func serve(b *testing.B, handler http.Handler, tokens []string, status int) {
	b.Helper()
	holdHeap(b)
	requests := requestsWith(b, tokens)
	w, i := &writer{header: make(http.Header)}, 0
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		w.status = 0
		handler.ServeHTTP(w, requests[i%len(requests)])
		if w.status != status {
			b.Fatalf("answered %d, not %d", w.status, status)
		}
		i++
	}
}

// writer is a response that costs nothing, so that the differences between two
// benchmarks are those of the handlers.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) WriteHeader(status int)      { w.status = status }
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }
