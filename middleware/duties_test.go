package middleware_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// A 401 names a scheme (RFC 9110, section 15.5.2), whoever answers.
func TestRefused_Challenge(t *testing.T) {
	const none, plain, invalid = "", "Bearer", `Bearer error="invalid_token"`
	answers := func(status int) gin.HandlerFunc {
		return middleware.OnError(func(c *gin.Context, _ error) bool {
			c.JSON(status, gin.H{"mine": true})
			return true
		})
	}
	for _, row := range []struct {
		name      string
		header    string
		value     string
		before    gin.HandlerFunc
		status    int
		want      string
		configure func(*session.Config)
	}{
		{name: "a junk cookie", header: "Cookie", value: "sAccessToken=junk", status: 401, want: invalid},
		{name: "a foreign bearer token", header: "Authorization", value: "Bearer abc.def.ghi", status: 401, want: plain},
		{name: "nothing", status: 401, want: plain},
		{
			name: "the application's own", status: 401, want: `Bearer realm="app"`,
			before: func(c *gin.Context) { c.Header("WWW-Authenticate", `Bearer realm="app"`) },
		},
		{
			name: "the application's own, spelled its own way", status: 401, want: `Basic realm="app"`,
			before: func(c *gin.Context) { c.Writer.Header()["WWW-Authenticate"] = []string{`Basic realm="app"`} },
		},
		{name: "440", status: 440, want: none, configure: func(c *session.Config) { c.SessionExpiredStatus = 440 }},
		{name: "the application answers", status: 401, want: plain, before: answers(401)},
		{name: "the application answers by 303", status: 303, want: none, before: answers(303)},
		{
			name: "the application answers by a status alone", status: 401, want: plain,
			before: middleware.OnError(func(c *gin.Context, _ error) bool { c.Status(http.StatusUnauthorized); return true }),
		},
		{
			name: "the application lets the kit answer", status: 401, want: plain,
			before: middleware.OnError(func(*gin.Context, error) bool { return false }),
		},
	} {
		change := row.configure
		if change == nil {
			change = func(*session.Config) {}
		}
		svc, _ := newService(t, change)
		router := gin.New()
		if row.before != nil {
			router.Use(row.before)
		}
		router.GET("/", middleware.Verify(svc), func(*gin.Context) { t.Error("a handler ran") })
		server := httptest.NewServer(router)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		if row.header != "" {
			r.Header.Set(row.header, row.value)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		server.Close()
		require.Equal(t, row.status, res.StatusCode, row.name)
		require.Equal(t, row.want, res.Header.Get("WWW-Authenticate"), row.name)
		if row.status < 500 && row.before == nil {
			require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), row.name)
		}
	}
}

// A 401 of the application's own about something else is none of ours.
func TestRefused_NotTheKitsOwn401(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t)
	router := gin.New()
	router.POST("/", middleware.VerifyOptional(svc), func(c *gin.Context) { c.Status(http.StatusUnauthorized) })
	w := serve(t, router, http.MethodPost, "/", nil)
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Empty(t, w.Header().Get("WWW-Authenticate"))
}

// Whoever watches sees each refusal once, and no secret.
func TestRefused_IsTold(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, method, path string
		class              error
		fault              bool
		lines              int // at Error
	}{
		{"no token", http.MethodGet, "/x", errors.ErrUnauthorised, false, 0},
		{"no anti-CSRF token", http.MethodPost, "/x", errors.ErrTryRefreshToken, false, 0},
		{"the database is away", http.MethodGet, "/x", errors.ErrUnavailable, true, 1},
		{"a sign-in that cannot be", http.MethodPost, "/in", errors.ErrInvalidInput, false, 1},
	} {
		var told []error
		var debug, failed bytes.Buffer
		store := storetest.Faulty(memstore.New())
		kit := sessiontest.NewOn(t, store, nil, session.Config{
			Revocation: session.RevokeImmediately,
			OnRefusal:  func(_ *http.Request, err error) { told = append(told, err); panic("of the application") },
			Logger:     slog.New(levels{slog.NewJSONHandler(&debug, &slog.HandlerOptions{Level: slog.LevelDebug}), slog.NewJSONHandler(&failed, nil)}),
		})
		svc := kit.Service
		tokens, err := svc.Create(t.Context(), "ada")
		require.NoError(t, err)
		debug.Reset()
		router := gin.New()
		router.Any("/x/:handle", middleware.Verify(svc))
		router.POST("/in/:handle", func(c *gin.Context) {
			if _, err := middleware.Create(c, svc, ""); err != nil {
				middleware.Abort(c, svc, err)
			}
		})
		headers := map[string]string{"Cookie": "sAccessToken=" + tokens.Access.Value}
		if row.name == "no token" {
			headers = nil
		}
		if row.fault {
			store.Arm(storetest.Fault{})
		}
		const requests = 5
		for range requests {
			serve(t, router, row.method, row.path+"/"+tokens.Session.Handle(), headers)
		}
		require.Len(t, told, requests, row.name)
		require.ErrorIs(t, told[0], row.class, row.name)
		require.Equal(t, requests, bytes.Count(debug.Bytes(), []byte("request refused")), row.name)
		require.Equal(t, row.lines, bytes.Count(failed.Bytes(), []byte("a request failed")), row.name)
		for _, log := range []*bytes.Buffer{&debug, &failed} {
			require.NotContains(t, log.String(), tokens.Session.Handle(), row.name)
			require.NotContains(t, log.String(), tokens.Access.Value, row.name)
		}
		kit.Advance(2 * time.Second)
		serve(t, router, row.method, row.path+"/y", headers)
		if row.lines > 0 {
			require.Contains(t, failed.String(), `"count":5`, "those that were not logged, and this one")
		}
	}
}

// levels sends what is at Error to one handler and the rest to the other.
type levels struct {
	slog.Handler

	failed slog.Handler
}

func (l levels) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		return l.failed.Handle(ctx, r)
	}
	return l.Handler.Handle(ctx, r)
}

// A sign-in whose answer is on its way stores nothing.
func TestCreate_AfterTheAnswer(t *testing.T) {
	for name, write := range map[string]func(c *gin.Context){
		"the body was written":   func(c *gin.Context) { c.String(http.StatusOK, "early") },
		"the header was written": func(c *gin.Context) { c.Status(http.StatusOK); c.Writer.WriteHeaderNow() },
		"the answer was flushed": func(c *gin.Context) { c.Writer.Flush() },
		"the answer was a file":  func(c *gin.Context) { http.Error(c.Writer, "no", http.StatusTeapot) },
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				s := newSite(t)
				var errs []error
				late := func(c *gin.Context) {
					write(c)
					_, err := middleware.Create(c, s.svc, "ada")
					errs = append(errs, err)
					_, err = s.svc.CreateHTTP(c.Writer, c.Request, "ada")
					errs = append(errs, err)
				}
				s.router.POST("/bare", late)
				s.router.POST("/optional", middleware.VerifyOptional(s.svc), late)
				s.around = func(app http.Handler) http.Handler {
					mux := http.NewServeMux()
					mux.Handle("/", app)
					mux.Handle("/net", s.svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, _ = w.Write([]byte("early"))
						_, err := s.svc.CreateHTTP(w, r, "ada")
						errs = append(errs, err)
					}), session.Optional()))
					return mux
				}
				b := s.browser(t, byHeader)
				for _, path := range []string{"/bare", "/optional", "/net"} {
					requireNothing(t, b.do(t, http.MethodPost, path).header)
				}
				for _, err := range errs {
					require.ErrorIs(t, err, errors.ErrGeneral)
				}
				require.Len(t, errs, 5)
				list, err := s.svc.List(t.Context(), "ada")
				require.NoError(t, err)
				require.Empty(t, list)
			})
		})
	}
}

// Sent tells whether the client hears.
func TestSession_Sent(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer func(c *gin.Context)
		sent   bool
	}{
		{"before the answer", func(c *gin.Context) { mergeFirst(c); c.String(http.StatusOK, "ok") }, true},
		{"before a status alone", func(c *gin.Context) { mergeFirst(c); c.Status(http.StatusOK) }, true},
		{"after a status that is only noted", func(c *gin.Context) { c.Status(http.StatusOK); mergeFirst(c) }, true},
		{"nothing to send", func(c *gin.Context) { c.String(http.StatusOK, "ok") }, true},
		{"nothing that changes", func(c *gin.Context) { c.String(http.StatusOK, "ok"); _ = current(c).Data(c, new(any)) }, true},
		{"after the body", func(c *gin.Context) { c.String(http.StatusOK, "ok"); mergeFirst(c) }, false},
		{"after a flush", func(c *gin.Context) { c.Writer.Flush(); mergeFirst(c) }, false},
		{"sign-out after the body", func(c *gin.Context) { c.String(http.StatusOK, "ok"); _ = current(c).Revoke(c) }, false},
		{"before and after", func(c *gin.Context) { mergeFirst(c); c.String(http.StatusOK, "ok"); _ = current(c).Revoke(c) }, false},
		{"without a response", func(c *gin.Context) {
			c.String(http.StatusOK, "ok")
			c.Set(middleware.Key, current(c).Detached())
			mergeFirst(c)
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				for _, http2 := range []bool{false, true} {
					s := newSite(t)
					var sess *session.Session
					s.router.GET("/x", s.verify(), func(c *gin.Context) { row.answer(c); sess = current(c) })
					s.start(t, http2)
					b := s.signIn(t, "ada", byHeader)
					b.do(t, http.MethodGet, "/x")
					require.Equal(t, row.sent, sess.Sent())
					if row.sent {
						require.Equal(t, "ada", b.user(t))
					}
				}
			})
		})
	}
}

// The usual request: a token that this process knows. It costs this on top of bare Gin.
func TestVerify_Allocations(t *testing.T) {
	svc, _ := newService(t, func(c *session.Config) { c.Logger = slog.New(slog.DiscardHandler) })
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	bare, protected := gin.New(), gin.New()
	answer := func(c *gin.Context) { c.String(http.StatusOK, "hello") }
	bare.GET("/", answer)
	protected.GET("/", middleware.Verify(svc), answer)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
	r.Header.Set("Cookie", "theme=dark; sAccessToken="+tokens.Access.Value)
	// The least of several: goroutines of other tests allocate too, and with -race a
	// sync.Pool, which Gin keeps its contexts in, forgets at random.
	run := func(handler http.Handler) (least float64) {
		least = math.Inf(1)
		for range 10 {
			least = min(least, testing.AllocsPerRun(100, func() {
				w := &recorder{header: http.Header{}}
				handler.ServeHTTP(w, r)
				if w.status.Load() != http.StatusOK {
					t.Error(w.status.Load())
				}
			}))
		}
		return least
	}
	run(protected)
	require.LessOrEqual(t, run(protected)-run(bare), 5.0)
}

type recorder struct {
	header http.Header
	status atomic.Int32
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) Write(p []byte) (int, error) { return len(p), nil }
func (w *recorder) WriteHeader(status int)      { w.status.Store(int32(status)) }
