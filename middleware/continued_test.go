package middleware_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A pair that a bare CreateHTTP has put into the header stays, when what comes after it in
// the chain replaces the access token alone.
func TestContinued_KeepsTheRestOfAPair(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, byHeader bool) {
		s := newRoleSite(t)
		s.router.POST("/join", func(c *gin.Context) {
			if _, err := s.svc.CreateHTTP(c.Writer, c.Request, "bob"); err != nil {
				t.Error(err)
			}
		}, s.verify(s.admin(false)), whoami)
		b := s.browser(t, byHeader)
		require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/join").status)
		require.Equal(t, !byHeader, b.antiCSRF != "")
		require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, s.svc.RefreshPaths()[0]).status)
	})
}

// A refresh that a client sends its access token to is refused, and takes nothing away:
// the session lives.
func TestContinued_AccessTokenAtTheRefresh(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signIn(t, "ada", true)
	b.refresh = b.access
	a := b.do(t, http.MethodPost, s.svc.RefreshPaths()[0])
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Empty(t, a.header.Values("St-Access-Token"))
	require.Empty(t, a.header.Values("Front-Token"))
}

// The end of a bearer token's session is none of the cookies' session.
func TestContinued_EndedBearerBesideLivingCookies(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *session.Config) { c.Revocation = session.RevokeImmediately })
	b, other := s.signIn(t, "ada", false), s.signIn(t, "svc", true)
	_, err := s.svc.RevokeAll(t.Context(), "svc")
	require.NoError(t, err)
	b.header, b.access = true, other.access
	a := b.do(t, http.MethodGet, "/me")
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Empty(t, a.header.Values("Set-Cookie"))
}

type traceKey struct{}

// What stands between two Protect, or between VerifyOptional and Create, may replace the
// request: it goes on.
func TestContinued_RequestsOfOthersGoOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	traced := func(r *http.Request) *http.Request {
		return r.WithContext(context.WithValue(r.Context(), traceKey{}, "trace"))
	}
	var path string
	var sess, trace bool
	note := func(r *http.Request) {
		path = r.URL.Path
		_, sess = session.FromContext(r.Context())
		trace = r.Context().Value(traceKey{}) == "trace"
	}
	inner := s.svc.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r) }))
	between := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(w, traced(r)) })
	s.router.GET("/api/*any", gin.WrapH(s.svc.Protect(http.StripPrefix("/api", between))))
	s.router.POST("/join", middleware.VerifyOptional(s.svc), func(c *gin.Context) { c.Request = traced(c.Request) }, func(c *gin.Context) {
		if _, err := middleware.Create(c, s.svc, "bob"); err != nil {
			t.Error(err)
		}
		note(c.Request)
	})
	require.Equal(t, http.StatusOK, s.signIn(t, "ada", false).do(t, http.MethodGet, "/api/thing").status)
	require.True(t, sess && trace)
	require.Equal(t, "/thing", path)
	require.Equal(t, http.StatusOK, s.browser(t, false).do(t, http.MethodPost, "/join").status)
	require.True(t, sess && trace)
}

// emptyReader has no WriterTo, so that io.Copy asks the writer.
type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, io.EOF }

// A copy of nothing writes no header, so what the handler says afterwards is corrected too.
func TestContinued_CopyOfNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		s.router.GET("/empty", middleware.Verify(s.svc), func(c *gin.Context) {
			if _, err := c.MustGet(middleware.Key).(*session.Session).MergePayload(c.Request.Context(), map[string]any{"a": 1}); err != nil {
				t.Error(err)
			}
			_, _ = io.Copy(c.Writer, emptyReader{})
			c.Header("Cache-Control", "public, max-age=3600")
			c.Status(http.StatusOK)
		})
		a := s.signIn(t, "ada", byHeader).do(t, http.MethodGet, "/empty")
		require.Equal(t, "no-store", strings.Join(a.header.Values("Cache-Control"), ", "))
		require.NotEmpty(t, a.header.Values("Front-Token"))
	})
}
