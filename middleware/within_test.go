package middleware_test

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Whoever calls the functions with HTTP in their name behind our middleware is within
// its Exchange, by the request or by the writer alone: what is found out later is sent,
// and what is over by then is not.
func TestWithin_CallsFindTheExchange(t *testing.T) {
	t.Parallel()
	visitorSignsIn := func(s *site, later func(*gin.Context, *session.Session)) gin.HandlersChain {
		return gin.HandlersChain{middleware.VerifyOptional(s.svc), func(c *gin.Context) {
			sess, err := s.svc.CreateHTTP(c.Writer, c.Request, "ada")
			if err != nil {
				middleware.Abort(c, s.svc, err)
				return
			}
			later(c, sess)
			c.String(http.StatusOK, "in")
		}}
	}
	uploadSignsIn := func(s *site, later func(*gin.Context, *session.Session)) gin.HandlersChain {
		return gin.HandlersChain{func(c *gin.Context) {
			if _, err := middleware.Create(c, s.svc, "ada"); err != nil {
				middleware.Abort(c, s.svc, err)
				return
			}
			sess, err := s.svc.VerifyHTTP(c.Writer, c.Request)
			if err != nil {
				middleware.Abort(c, s.svc, err)
				return
			}
			later(c, sess)
			c.String(http.StatusOK, "in")
		}}
	}
	for name, chain := range map[string]func(*site, func(*gin.Context, *session.Session)) gin.HandlersChain{
		"a visitor signs in": visitorSignsIn, "a form with a file signs in": uploadSignsIn,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			sent := false
			s.router.POST("/late", chain(s, func(c *gin.Context, sess *session.Session) {
				_, err := sess.MergePayload(c, map[string]any{"a": 1})
				require.NoError(t, err)
				sent = sess.Sent()
			})...)
			s.router.POST("/slow", chain(s, func(c *gin.Context, _ *session.Session) {
				_, err := s.svc.RevokeAll(c, "ada")
				require.NoError(t, err)
				s.clock.Advance(1500 * time.Millisecond)
			})...)

			w := postForm(t, s.router, "/late")
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.True(t, sent)
			require.Contains(t, frontTokenText(t, w), `"up":{"a":1}`)

			w = postForm(t, s.router, "/slow")
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Empty(t, w.Header().Values("Set-Cookie"), "tokens of a session that is over")
			require.Empty(t, w.Header().Get("Front-Token"))
		})
	}

	t.Run("an Exchange within another, by the writer", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		tokens, err := s.svc.Create(t.Context(), "ada")
		require.NoError(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
		r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
		outer := s.svc.Exchange(httptest.NewRecorder(), r)
		defer outer.Close()
		inner := s.svc.Exchange(outer.Writer(), r)
		defer inner.Close()
		sess, err := inner.Verify()
		require.NoError(t, err)
		require.Same(t, sess, outer.Session())
	})
}

func frontTokenText(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(w.Header().Get("Front-Token"))
	require.NoError(t, err)
	return string(text)
}

func postForm(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("photo", "ada.png")
	require.NoError(t, err)
	_, err = file.Write([]byte("png"))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example"+path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// A chain that ends in a handler of package refresh is not open: what stands in between
// counts on Verify.
func TestMounted_OnlyByMount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ran := 0
	closeAccount := func(*gin.Context) { ran++ }
	s.router.POST("/account/close", s.verify(), closeAccount, refresh.SignOut(s.svc))
	s.router.POST("/account/renew", s.verify(), closeAccount, refresh.Handler(s.svc))
	for _, path := range []string{"/account/close", "/account/renew"} {
		require.Equal(t, http.StatusUnauthorized, serve(t, s.router, http.MethodPost, path, nil).Code)
	}
	require.Zero(t, ran, "a handler behind Verify ran without a session")
}
