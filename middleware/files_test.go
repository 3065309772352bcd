package middleware_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

type contextKey struct{}

func readFile(c *gin.Context) {
	if _, err := c.FormFile("file"); err != nil {
		c.String(http.StatusTeapot, err.Error())
		return
	}
	c.String(http.StatusOK, "read")
}

// Whoever replaces the request must not keep net/http from removing the files of an upload.
func TestUploads_LeaveNoFiles(t *testing.T) {
	quiet := func(c *gin.Context) { _, _ = c.FormFile("file") }
	create := func(s *site) gin.HandlerFunc {
		return func(c *gin.Context) {
			if _, err := middleware.Create(c, s.svc, "ada"); err != nil {
				middleware.Abort(c, s.svc, err)
			}
		}
	}
	fails := func(c *gin.Context) { quiet(c); panic("of the application") }
	derive := func(c *gin.Context) {
		c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), contextKey{}, 1))
	}
	for _, row := range []struct {
		name    string
		visitor bool
		chain   func(s *site) []gin.HandlerFunc
	}{
		{"Verify", false, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{s.verify(), readFile} }},
		{"Verify, no answer", false, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{s.verify(), quiet} }},
		{"Verify, file read after the answer", false, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(), func(c *gin.Context) { c.String(http.StatusOK, "early"); quiet(c) }}
		}},
		{"VerifyOptional", false, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{middleware.VerifyOptional(s.svc), readFile}
		}},
		{"VerifyOptional, a visitor", true, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{middleware.VerifyOptional(s.svc), readFile}
		}},
		{"VerifyOptional, a visitor who signs in", true, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{middleware.VerifyOptional(s.svc), create(s), quiet}
		}},
		{"Create, then the file", true, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{create(s), readFile} }},
		{"Create, then the file, no answer", true, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{create(s), quiet} }},
		{"the file, then Create", true, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{quiet, create(s)} }},
		{"Create twice", true, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{create(s), create(s), quiet} }},
		{"Verify twice", false, func(s *site) []gin.HandlerFunc { return []gin.HandlerFunc{s.verify(), s.verify(), quiet} }},
		{"a request derived in between", false, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(), derive, s.verify(), quiet}
		}},
		{"HandleContext", false, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(), func(c *gin.Context) {
				c.Request.URL.Path = "/up2"
				s.router.HandleContext(c)
			}}
		}},
		{"a panic, recovered outside", false, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{gin.RecoveryWithWriter(io.Discard), s.verify(), fails}
		}},
		{"a panic, recovered inside", false, func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(), gin.RecoveryWithWriter(io.Discard), fails}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				t.Setenv("TMPDIR", t.TempDir())
				s := newSite(t)
				s.router.MaxMultipartMemory = 1 << 10
				s.router.POST("/up", row.chain(s)...)
				s.router.POST("/up2", s.verify(), quiet)
				b := s.browser(t, byHeader)
				if !row.visitor {
					b = s.signIn(t, "ada", byHeader)
				}
				upload(t, b, "/up")
				requireNoFiles(t)
			})
		})
	}
}

// Protect is Verify for net/http.
func TestUploads_Protect(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		t.Setenv("TMPDIR", t.TempDir())
		s := newSite(t)
		s.around = func(app http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/", app)
			read := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_ = r.ParseMultipartForm(1 << 10) //nolint:gosec // the test's own upload
			})
			mux.Handle("POST /one", s.svc.Protect(read))
			mux.Handle("POST /two", s.svc.Protect(s.svc.Protect(read)))
			return mux
		}
		b := s.signIn(t, "ada", byHeader)
		upload(t, b, "/one")
		upload(t, b, "/two")
		requireNoFiles(t)
	})
}

func upload(t *testing.T, b *browser, path string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "a.bin")
	require.NoError(t, err)
	_, err = part.Write(make([]byte, 256<<10))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	_, err = b.try(t.Context(), http.MethodPost, path, form.FormDataContentType(), &body)
	require.NoError(t, err)
	b.site.server.CloseClientConnections()
	b.site.server.Close()
	b.site.server = nil
	b.site.start(t, false)
}

func requireNoFiles(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, entries)
}

// A sign-in without an upload is seen by what the handler calls.
func TestCreate_InTheContext(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		s.router.POST("/join", func(c *gin.Context) {
			sess, err := middleware.Create(c, s.svc, "ada")
			if err != nil {
				t.Error(err)
			}
			known, ok := session.FromContext(c.Request.Context())
			if !ok || known != sess {
				t.Error("the context does not know the session")
			}
			c.Status(http.StatusNoContent)
		})
		b := s.browser(t, byHeader)
		require.Equal(t, http.StatusNoContent, b.do(t, http.MethodPost, "/join").status)
		require.Equal(t, "ada", b.user(t), "also when the answer is a status alone")
	})
}
