package middleware_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

const public = "public, max-age=31536000, immutable"

// buffered keeps what is written below it until the end, and does not unwrap.
type buffered struct {
	gin.ResponseWriter

	body   bytes.Buffer
	status int
}

func (b *buffered) Write(p []byte) (int, error)          { return b.body.Write(p) }
func (b *buffered) WriteString(text string) (int, error) { return b.body.WriteString(text) }
func (b *buffered) WriteHeader(status int)               { b.status = status }
func (b *buffered) WriteHeaderNow()                      {}

func buffering(c *gin.Context) {
	outer := c.Writer
	b := &buffered{ResponseWriter: outer, status: http.StatusOK}
	c.Writer = b
	c.Next()
	c.Writer = outer
	outer.Header().Set("Cache-Control", public)
	outer.WriteHeader(b.status)
	_, _ = outer.Write(b.body.Bytes())
}

// An answer with a token is in no cache, whoever says what.
func TestTokens_AreNotCached(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(file, []byte("file"), 0o600))
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", public)
		w.Header().Set("Cdn-Cache-Control", public)
		_, _ = io.WriteString(w, "from behind")
	}))
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = target.Host }}
	say := func(h http.Header) {
		h.Set("Cache-Control", public)
		h["cache-control"] = []string{public}
		h["CDN-Cache-Control"] = []string{public}
		h.Set("Cloudflare-Cdn-Cache-Control", public)
		h.Set("Surrogate-Control", "max-age=3600")
		h["edge-control"] = []string{"max-age=3600"}
		h.Set("X-Accel-Expires", "3600")
		h.Set("Expires", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Format(http.TimeFormat))
	}
	for _, row := range []struct {
		name  string
		chain []gin.HandlerFunc // after Verify
		first bool              // before it
	}{
		{"the handler", []gin.HandlerFunc{func(c *gin.Context) { c.Header("Cache-Control", public); c.String(http.StatusOK, "ok") }}, false},
		{"every field there is", []gin.HandlerFunc{func(c *gin.Context) { say(c.Writer.Header()); c.String(http.StatusOK, "ok") }}, false},
		{"a field more", []gin.HandlerFunc{func(c *gin.Context) { c.Writer.Header().Add("Cache-Control", public); c.String(http.StatusOK, "ok") }}, false},
		{"after the status", []gin.HandlerFunc{func(c *gin.Context) { c.Status(http.StatusAccepted); say(c.Writer.Header()) }}, false},
		{"a middleware after the handler", []gin.HandlerFunc{
			func(c *gin.Context) { c.Next(); say(c.Writer.Header()); c.Status(http.StatusOK) }, func(c *gin.Context) { c.Status(http.StatusOK) },
		}, false},
		{"a middleware before", []gin.HandlerFunc{
			func(c *gin.Context) { say(c.Writer.Header()); c.Next() }, func(c *gin.Context) { c.String(http.StatusOK, "ok") },
		}, false},
		{"all headers removed", []gin.HandlerFunc{func(c *gin.Context) {
			h := c.Writer.Header()
			clear(h)
			say(h)
			c.String(http.StatusOK, "ok")
		}}, false},
		{"http.Error", []gin.HandlerFunc{func(c *gin.Context) { say(c.Writer.Header()); http.Error(c.Writer, "no", http.StatusNotFound) }}, false},
		{"http.ServeFile", []gin.HandlerFunc{func(c *gin.Context) {
			c.Header("Cache-Control", public)
			http.ServeFile(c.Writer, c.Request, file)
		}}, false},
		{"c.File", []gin.HandlerFunc{func(c *gin.Context) { c.Header("Cache-Control", public); c.File(file) }}, false},
		{"304", []gin.HandlerFunc{func(c *gin.Context) {
			say(c.Writer.Header())
			c.Header("Etag", `"1"`)
			c.Request.Header.Set("If-None-Match", `"1"`)
			http.ServeContent(c.Writer, c.Request, "a.txt", time.Time{}, bytes.NewReader([]byte("file")))
		}}, false},
		{"a redirect", []gin.HandlerFunc{func(c *gin.Context) { say(c.Writer.Header()); c.Redirect(http.StatusSeeOther, "/x") }}, false},
		{"a stream", []gin.HandlerFunc{func(c *gin.Context) {
			say(c.Writer.Header())
			c.Writer.Flush()
			_, _ = c.Writer.WriteString("data")
		}}, false},
		{"events", []gin.HandlerFunc{func(c *gin.Context) {
			c.Header("Cache-Control", "private, max-age=60")
			c.SSEvent("message", "x")
		}}, false},
		{"a proxy", []gin.HandlerFunc{func(c *gin.Context) { proxy.ServeHTTP(c.Writer, c.Request) }}, false},
		{"a buffer", []gin.HandlerFunc{buffering, func(c *gin.Context) { c.String(http.StatusOK, "ok") }}, false},
		{"a panic", []gin.HandlerFunc{gin.RecoveryWithWriter(io.Discard), func(c *gin.Context) { say(c.Writer.Header()); panic("of the application") }}, false},
		{"a panic, recovered outside", []gin.HandlerFunc{func(c *gin.Context) { say(c.Writer.Header()); panic("of the application") }}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				s := newSite(t)
				chain := append([]gin.HandlerFunc{s.verify()}, row.chain...)
				if row.first {
					chain = append([]gin.HandlerFunc{gin.RecoveryWithWriter(io.Discard)}, chain...)
				}
				s.router.GET("/x", chain...)
				b := s.refreshed(t, "ada", byHeader)
				a := b.do(t, http.MethodGet, "/x")
				token, sent := accessIn(a.header)
				require.True(t, sent)
				require.NotEmpty(t, token)
				requireUncached(t, a.header)
				require.Equal(t, "ada", b.user(t))
			})
		})
	}
}

// The same for whatever else sends or clears tokens.
func TestTokens_AreNotCached_OtherAnswers(t *testing.T) {
	cached := func(c *gin.Context, status int) {
		c.Header("Cache-Control", public)
		c.Header("CDN-Cache-Control", public)
		c.String(status, "ok")
	}
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		s.router.POST("/join", func(c *gin.Context) {
			if _, err := middleware.Create(c, s.svc, "ada"); err != nil {
				t.Error(err)
			}
			cached(c, http.StatusOK)
		})
		s.router.GET("/merge", s.verify(), func(c *gin.Context) {
			if _, err := current(c).MergePayload(c, map[string]any{"a": 1}); err != nil {
				t.Error(err)
			}
			cached(c, http.StatusOK)
		})
		s.router.GET("/leave", s.verify(), func(c *gin.Context) {
			if err := current(c).Revoke(c); err != nil {
				t.Error(err)
			}
			cached(c, http.StatusGone)
		})
		s.router.GET("/refused", func(c *gin.Context) { c.Header("CDN-Cache-Control", public) }, s.verify(session.WithRevocation(session.RevokeImmediately)))
		b := s.browser(t, byHeader)
		for _, path := range []string{"/join", "/merge", "/leave"} {
			method := http.MethodGet
			if path == "/join" {
				method = http.MethodPost
			}
			a := b.do(t, method, path)
			_, sent := accessIn(a.header)
			require.True(t, sent, path)
			requireUncached(t, a.header)
		}
		b = s.signIn(t, "ada", byHeader)
		_, err := s.svc.RevokeAll(t.Context(), "ada")
		require.NoError(t, err)
		a := b.do(t, http.MethodGet, "/refused")
		require.Equal(t, http.StatusUnauthorized, a.status)
		_, sent := accessIn(a.header)
		require.True(t, sent)
		requireUncached(t, a.header)
	})
}
