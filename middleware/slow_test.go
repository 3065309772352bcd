package middleware_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// slow makes a route whose handler does something, and answers when told to, a second
// later on the clock.
type slow struct{ begun, end chan struct{} }

func (s *site) slowRoute(method, path string, chain ...gin.HandlerFunc) *slow {
	r := &slow{make(chan struct{}), make(chan struct{})}
	s.router.Handle(method, path, append(chain, func(c *gin.Context) {
		r.begun <- struct{}{}
		<-r.end
		s.clock.Advance(time.Second)
		c.String(http.StatusOK, "slow")
	})...)
	return r
}

// while runs fn between the beginning and the end of a slow request.
func (r *slow) while(t *testing.T, b *browser, method, path string, fn func()) answer {
	t.Helper()
	// Two requests of one browser: the slow one leaves with the tokens of now.
	early := *b
	early.jar = b.jar.Clone()
	type result struct {
		answer

		err error
	}
	got := make(chan result, 1)
	go func() {
		a, err := early.try(context.Background(), method, path, "", nil)
		got <- result{a, err}
	}()
	<-r.begun
	fn()
	r.end <- struct{}{}
	res := <-got
	require.NoError(t, res.err)
	require.Equal(t, "slow", res.body)
	from, err := url.Parse(b.site.server.URL + path)
	require.NoError(t, err)
	b.keep(from, res.header)
	return res.answer
}

func mergeFirst(c *gin.Context) {
	if _, err := current(c).MergePayload(c, map[string]any{"a": 1}); err != nil {
		panic(err)
	}
}

func modes(t *testing.T, fn func(t *testing.T, byHeader bool, mode session.RevocationMode)) {
	t.Helper()
	for name, mode := range map[string]session.RevocationMode{"at expiry": session.RevokeAtExpiry, "immediately": session.RevokeImmediately} {
		t.Run(name, func(t *testing.T) { both(t, func(t *testing.T, byHeader bool) { fn(t, byHeader, mode) }) })
	}
}

// What ended a session while an answer was under way is not undone by it.
func TestSlow_UndoesNothing(t *testing.T) {
	for _, row := range []struct {
		name  string
		while func(t *testing.T, s *site, b *browser)
		after string
	}{
		{"sign-out", func(t *testing.T, _ *site, b *browser) {
			t.Helper()
			require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/out").status)
		}, "Unauthorized"},
		{"the ready-made sign-out", func(t *testing.T, s *site, b *browser) {
			t.Helper()
			require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, s.svc.SignOutPath()).status)
		}, "Unauthorized"},
		{"sign-in as bob", func(t *testing.T, _ *site, b *browser) {
			t.Helper()
			require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/in?user=bob").status)
		}, "bob"},
		{"sign-out, then sign-in as bob", func(t *testing.T, _ *site, b *browser) {
			t.Helper()
			require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/out").status)
			require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/in?user=bob").status)
		}, "bob"},
	} {
		t.Run(row.name, func(t *testing.T) {
			modes(t, func(t *testing.T, byHeader bool, mode session.RevocationMode) {
				for _, first := range []gin.HandlerFunc{func(*gin.Context) {}, mergeFirst} {
					s := newSite(t, func(c *session.Config) { c.Revocation = mode })
					r := s.slowRoute(http.MethodGet, "/slow", s.verify(), first)
					b := s.refreshed(t, "ada", byHeader)
					a := r.while(t, b, http.MethodGet, "/slow", func() { row.while(t, s, b) })
					requireNothing(t, a.header)
					require.Equal(t, row.after, b.user(t))
					require.Equal(t, row.after != "bob", b.do(t, http.MethodPost, "/me").status == http.StatusUnauthorized)
				}
			})
		})
	}
}

// The same where the browser still has the old tokens: it gets no new ones.
func TestSlow_SendsNoTokenOfAnEndedSession(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *site, handle string){
		"revocation": func(t *testing.T, s *site, handle string) {
			t.Helper()
			ended, err := s.svc.Revoke(t.Context(), handle)
			require.NoError(t, err)
			require.True(t, ended)
		},
		"revocation of all": func(t *testing.T, s *site, _ string) {
			t.Helper()
			_, err := s.svc.RevokeAll(t.Context(), "ada")
			require.NoError(t, err)
		},
		"theft": func(t *testing.T, s *site, handle string) {
			t.Helper()
			_, err := s.store.Revoke(t.Context(), models.Revocation{Handle: handle, Reason: models.RevokedByTheft, Now: s.clock.Now().UnixMilli()})
			require.NoError(t, err)
		},
		"its end": func(_ *testing.T, s *site, _ string) { s.clock.Advance(200 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			modes(t, func(t *testing.T, byHeader bool, mode session.RevocationMode) {
				s := newSite(t, func(c *session.Config) { c.Revocation = mode })
				var handle string
				r := s.slowRoute(http.MethodGet, "/slow", s.verify(), func(c *gin.Context) { handle = current(c).Handle() })
				in := s.slowRoute(http.MethodPost, "/join", func(c *gin.Context) {
					sess, err := middleware.Create(c, s.svc, "ada")
					if err != nil {
						panic(err)
					}
					handle = sess.Handle()
				})
				b := s.refreshed(t, "ada", byHeader)
				requireNothing(t, r.while(t, b, http.MethodGet, "/slow", func() { end(t, s, handle) }).header)
				b = s.browser(t, byHeader)
				requireNothing(t, in.while(t, b, http.MethodPost, "/join", func() { end(t, s, handle) }).header)
				require.Equal(t, "Unauthorized", b.user(t))
			})
		})
	}
}

// A request that found its session ended, and took long, takes nothing away: somebody may
// have signed in.
func TestSlow_ClearsNoNewerSignIn(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		for _, found := range []func(c *gin.Context){
			func(c *gin.Context) { _ = current(c).Data(c, new(any)) },
			func(c *gin.Context) { _, _ = current(c).MergePayload(c, map[string]any{"a": 1}) },
			func(c *gin.Context) { _ = current(c).UpdateData(c, 1) },
		} {
			s := newSite(t)
			r := s.slowRoute(http.MethodGet, "/slow", s.verify(), func(c *gin.Context) {
				if _, err := s.svc.Revoke(c, current(c).Handle()); err != nil {
					panic(err)
				}
				found(c)
			})
			b := s.signIn(t, "ada", byHeader)
			a := r.while(t, b, http.MethodGet, "/slow", func() {
				require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/in?user=bob").status)
			})
			requireNothing(t, a.header)
			require.Equal(t, "bob", b.user(t))
		}
	})
}

// The browser has refreshed meanwhile: older tokens would take its newer ones away.
func TestSlow_SendsNoOlderToken(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		get := s.slowRoute(http.MethodGet, "/slow", s.verify())
		b := s.refreshed(t, "ada", byHeader)
		a := get.while(t, b, http.MethodGet, "/slow", func() {
			b.renew(t)
			require.Equal(t, "ada", b.user(t))
		})
		requireNothing(t, a.header)
		require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/me").status, "with the newest anti-CSRF token")
		b.renew(t)
		require.Equal(t, "ada", b.user(t))
	})
}

// Only an answer that has a token and took long asks, once.
func TestSlow_Budget(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		r := s.slowRoute(http.MethodGet, "/slow", s.verify())
		s.router.GET("/quick", s.verify(), func(c *gin.Context) {
			s.clock.Advance(100 * time.Millisecond)
			c.String(http.StatusOK, "quick")
		})
		b := s.refreshed(t, "ada", byHeader)
		s.store.Arm()
		_, sent := accessIn(b.do(t, http.MethodGet, "/quick").header)
		require.True(t, sent)
		require.Equal(t, map[string]int{"Advance": 1}, s.store.Counts(), "a quick answer with a token")

		s.store.Arm()
		requireNothing(t, r.while(t, b, http.MethodGet, "/slow", func() {}).header)
		require.Empty(t, s.store.Counts(), "a slow answer without one")

		b.renew(t)
		s.store.Arm()
		_, sent = accessIn(r.while(t, b, http.MethodGet, "/slow", func() {}).header)
		require.True(t, sent)
		require.Equal(t, map[string]int{"Advance": 1, "Find": 1}, s.store.Counts(), "a slow answer with one")
		require.Equal(t, "ada", b.user(t))

		b.renew(t)
		a := r.while(t, b, http.MethodGet, "/slow", func() { s.store.Arm(storetest.Fault{Method: "Find"}) })
		requireNothing(t, a.header)
		require.Equal(t, 1, s.store.Fired(), "nobody could tell")
		s.store.Arm()
		require.Equal(t, "ada", b.user(t), "nothing was cleared")
	})
}

// A clock that was set back says nothing about how long an answer took.
func TestSlow_ClockSetBack(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		r := s.slowRoute(http.MethodGet, "/slow", s.verify())
		b := s.refreshed(t, "ada", byHeader)
		a := r.while(t, b, http.MethodGet, "/slow", func() {
			require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/out").status)
			s.clock.Advance(-2 * time.Second)
		})
		requireNothing(t, a.header)
		require.Equal(t, "Unauthorized", b.user(t))
	})
}

// hooked is a store whose Find calls back.
type hooked struct {
	session.Store

	find atomic.Pointer[func()]
}

func (h *hooked) Find(ctx context.Context, handle string) (*models.Session, error) {
	if f := h.find.Load(); f != nil {
		(*f)()
	}
	return h.Store.Find(ctx, handle)
}

// The store may do what it wants while a header waits for it.
func TestSlow_StoresThatCallBack(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		for name, row := range map[string]struct {
			find func(sess *session.Session)
			sent bool
		}{
			"asks":   {func(sess *session.Session) { _ = sess.Sent() }, true},
			"panics": {func(*session.Session) { panic("of the store") }, false},
		} {
			t.Run(name, func(t *testing.T) {
				store := &hooked{Store: memstore.New()}
				s := newSite(t)
				svc := sessiontest.NewOn(t, store, s.clock, session.Config{Logger: slog.New(slog.DiscardHandler)}).Service
				s.svc = svc
				s.router = gin.New()
				s.router.POST("/in", func(c *gin.Context) {
					if _, err := middleware.Create(c, svc, "ada"); err != nil {
						t.Error(err)
					}
					c.String(http.StatusOK, "in")
				})
				s.router.GET("/me", s.verify(), whoami)
				var seen *session.Session
				r := s.slowRoute(http.MethodGet, "/slow", s.verify(), func(c *gin.Context) { seen = current(c); mergeFirst(c) })
				b := s.signIn(t, "ada", byHeader)
				a := r.while(t, b, http.MethodGet, "/slow", func() {
					hook := func() { row.find(seen) }
					store.find.Store(&hook)
				})
				store.find.Store(nil)
				_, sent := accessIn(a.header)
				require.Equal(t, row.sent, sent)
				require.Equal(t, row.sent, seen.Sent())
				require.Equal(t, "ada", b.user(t))
			})
		}
	})
}

// What comes while the header waits for the database is not lost.
func TestSlow_CollectedMeanwhile(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		store := &hooked{Store: s.store}
		svc := sessiontest.NewOn(t, store, s.clock, session.Config{Logger: slog.New(slog.DiscardHandler)}).Service
		var seen *session.Session
		handler := svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen, _ = session.FromContext(r.Context())
			if _, err := seen.MergePayload(r.Context(), map[string]any{"a": 1}); err != nil {
				t.Error(err)
			}
			s.clock.Advance(time.Second)
			once := func() {
				store.find.Store(nil)
				if err := seen.Revoke(r.Context()); err != nil {
					t.Error(err)
				}
			}
			store.find.Store(&once)
			_, _ = w.Write([]byte("ok"))
		}))
		s.svc = svc
		s.router = gin.New()
		s.router.POST("/in", func(c *gin.Context) {
			if _, err := middleware.Create(c, svc, "ada"); err != nil {
				t.Error(err)
			}
		})
		s.router.GET("/x", gin.WrapH(handler))
		b := s.signIn(t, "ada", byHeader)
		a := b.do(t, http.MethodGet, "/x")
		token, sent := accessIn(a.header)
		require.True(t, sent, "the sign-out")
		require.Empty(t, token)
		require.True(t, seen.Sent())
	})
}
