package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// merge is what a job does with a session after its request.
func merge(_ *gin.Context, sess *session.Session) {
	_, _ = sess.MergePayload(context.Background(), map[string]any{"seen": 1})
}

// Nothing of a session reaches an answer other than its own, whatever is called late.
func TestLate_NothingReachesAnotherAnswer(t *testing.T) {
	for _, row := range []struct {
		name string
		// answer is how ada's request is answered; late runs while bob's is.
		answer gin.HandlerFunc
		late   func(cp *gin.Context, sess *session.Session)
	}{
		{"merge", nil, merge},
		{"revoke", nil, func(_ *gin.Context, sess *session.Session) { _ = sess.Revoke(context.Background()) }},
		{"data of an ended session", nil, func(_ *gin.Context, sess *session.Session) {
			_, _ = sess.Detached().MergePayload(context.Background(), nil)
			_ = sess.Detached().Revoke(context.Background())
			_ = sess.Data(context.Background(), new(any))
		}},
		{"merge after a status alone", func(c *gin.Context) { c.Status(http.StatusNoContent) }, merge},
		{"merge after no answer at all", func(*gin.Context) {}, merge},
		{"merge after a stream", func(c *gin.Context) { _, _ = c.Writer.WriteString("data"); c.Writer.Flush() }, merge},
		{"verify again", nil, func(cp *gin.Context, _ *session.Session) {
			if sess, ok := session.FromContext(cp.Request.Context()); ok {
				merge(cp, sess)
			}
		}},
		{"a hijacked connection", func(c *gin.Context) {
			if c.Request.ProtoMajor > 1 { // Gin panics there
				c.Status(http.StatusOK)
				return
			}
			if conn, rw, err := c.Writer.Hijack(); err == nil {
				_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
				_ = rw.Flush()
				_ = conn.Close()
			}
		}, merge},
	} {
		t.Run(row.name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				for _, http2 := range []bool{false, true} {
					lateRow(t, byHeader, http2, row.answer, row.late)
				}
			})
		})
	}
}

func lateRow(t *testing.T, byHeader, http2 bool, answer gin.HandlerFunc, late func(*gin.Context, *session.Session)) {
	t.Helper()
	s := newSite(t)
	signal, done := make(chan struct{}), make(chan struct{})
	s.router.GET("/ada", s.verify(), func(c *gin.Context) {
		cp := c.Copy()
		go func() {
			defer close(done)
			<-signal
			late(cp, current(cp))
		}()
		if answer != nil {
			answer(c)
			return
		}
		c.String(http.StatusOK, "ok")
	})
	s.router.GET("/bob", s.verify(), func(c *gin.Context) {
		close(signal)
		<-done
		c.String(http.StatusOK, current(c).UserID())
	})
	s.start(t, http2)
	ada, bob := s.signIn(t, "ada", byHeader), s.signIn(t, "bob", byHeader)
	ada.do(t, http.MethodGet, "/ada")
	a := bob.do(t, http.MethodGet, "/bob")
	require.Equal(t, "bob", a.body)
	requireNothing(t, a.header)
	require.Equal(t, "bob", bob.user(t))
}

// The same, for a session that was made in the request.
func TestLate_AfterASignIn(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		signal, done := make(chan struct{}), make(chan struct{})
		s.router.POST("/ada", func(c *gin.Context) {
			sess, err := middleware.Create(c, s.svc, "ada")
			if err != nil {
				t.Error(err)
			}
			cp := c.Copy()
			go func() {
				defer close(done)
				<-signal
				merge(cp, sess)
				_, _ = s.svc.VerifyHTTP(httptest.NewRecorder(), cp.Request)
			}()
			c.Status(http.StatusNoContent)
		})
		s.router.GET("/bob", s.verify(), func(c *gin.Context) {
			close(signal)
			<-done
			c.String(http.StatusOK, current(c).UserID())
		})
		bob := s.signIn(t, "bob", byHeader)
		s.browser(t, byHeader).do(t, http.MethodPost, "/ada")
		a := bob.do(t, http.MethodGet, "/bob")
		requireNothing(t, a.header)
		require.Equal(t, "bob", bob.user(t))
	})
}

// A copy of Gin's context has a writer that panics at any touch.
func TestLate_OnACopyOfTheContext(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		for name, job := range map[string]func(s *site, cp *gin.Context) error{
			"create": func(s *site, cp *gin.Context) error {
				_, err := middleware.Create(cp, s.svc, "eve")
				if err == nil {
					t.Error("a session that nobody hears of")
				}
				return nil
			},
			"verify": func(s *site, cp *gin.Context) error {
				_, err := s.svc.VerifyHTTP(cp.Writer, cp.Request)
				return err
			},
			"refresh": func(s *site, cp *gin.Context) error {
				_, err := s.svc.RefreshHTTP(cp.Writer, cp.Request)
				if err == nil {
					t.Error("there is no refresh token")
				}
				return nil
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newSite(t)
				jobs := make(chan *gin.Context, 1)
				s.router.GET("/ada", s.verify(), func(c *gin.Context) { jobs <- c.Copy(); c.Status(http.StatusOK) })
				ada := s.signIn(t, "ada", byHeader)
				ada.do(t, http.MethodGet, "/ada")
				cp := <-jobs
				require.NotPanics(t, func() { require.NoError(t, job(s, cp)) })
				list, err := s.svc.List(t.Context(), "eve")
				require.NoError(t, err)
				require.Empty(t, list)
			})
		}
	})
}

// A time limit answers, and its handler goes on.
func TestLate_AfterATimeLimit(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		for _, http2 := range []bool{false, true} {
			s := newSite(t)
			limited, done := make(chan struct{}), make(chan bool, 1)
			s.router.GET("/slow", s.verify(), func(c *gin.Context) {
				<-c.Request.Context().Done()
				close(limited)
				sess := current(c)
				merge(c, sess)
				c.String(http.StatusOK, "late")
				merge(c, sess)
				done <- sess.Sent()
			})
			s.around = func(h http.Handler) http.Handler {
				limited := http.TimeoutHandler(h, 50*time.Millisecond, "limit")
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/slow" {
						limited.ServeHTTP(w, r)
						return
					}
					h.ServeHTTP(w, r)
				})
			}
			s.start(t, http2)
			ada := s.signIn(t, "ada", byHeader)
			a := ada.do(t, http.MethodGet, "/slow")
			require.Equal(t, http.StatusServiceUnavailable, a.status)
			requireNothing(t, a.header)
			<-limited
			require.False(t, <-done)
			require.Equal(t, "ada", ada.user(t))
		}
	})
}

// A time limit inside: its handler verifies by itself, in a goroutine that goes on.
func TestLate_TimeLimitInside(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		done := make(chan struct{})
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			<-r.Context().Done()
			if sess, err := s.svc.VerifyHTTP(w, r); err == nil {
				_, _ = sess.MergePayload(context.Background(), map[string]any{"late": 1})
			}
			_, _ = w.Write([]byte("late"))
		})
		s.router.GET("/slow", s.verify(), gin.WrapH(http.TimeoutHandler(inner, 20*time.Millisecond, "limit")))
		ada := s.refreshed(t, "ada", byHeader)
		a := ada.do(t, http.MethodGet, "/slow")
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		<-done
		require.Equal(t, "ada", ada.user(t))
	})
}

// A handler's header map is its own, whatever its goroutines do with the session.
func TestSession_GoroutinesBesideTheHandler(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		for _, http2 := range []bool{false, true} {
			s := newSite(t)
			s.router.GET("/busy", s.verify(), func(c *gin.Context) {
				sess := current(c)
				var jobs sync.WaitGroup
				for range 3 {
					jobs.Go(func() {
						for range 3 {
							merge(nil, sess)
							_ = sess.Sent()
							_ = sess.Detached().UserID()
						}
					})
				}
				for range 2000 {
					c.Header("X-App", "1")
				}
				c.String(http.StatusOK, "ok")
				jobs.Wait()
			})
			s.start(t, http2)
			ada := s.signIn(t, "ada", byHeader)
			for range 20 {
				require.Equal(t, http.StatusOK, ada.do(t, http.MethodGet, "/busy").status)
			}
			require.Equal(t, "ada", ada.user(t))
		}
	})
}
