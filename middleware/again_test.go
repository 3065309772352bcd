package middleware_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

// roleSite is a site with a claim whose fetches take a while and are counted.
type roleSite struct {
	*site

	role    claim.Single[string]
	fetches int
}

func newRoleSite(t *testing.T) *roleSite {
	t.Helper()
	s := &roleSite{site: newSite(t)}
	role, err := claim.NewSingle(claim.Config[string]{
		ID: "role",
		Fetch: func(context.Context, string) (string, bool, error) {
			s.fetches++
			s.clock.Advance(50 * time.Millisecond)
			return "admin", true, nil
		},
	})
	require.NoError(t, err)
	s.role = role
	return s
}

// admin demands the claim. With fresh it must have been found out in this very request.
func (s *roleSite) admin(fresh bool) session.VerifyOption {
	v := s.role.HasValue("admin")
	if fresh {
		v = v.MaxAge(0)
	}
	return session.WithClaims(v)
}

func showRole(c *gin.Context) {
	if len(payloadOf(current(c))["role"]) == 0 {
		c.String(http.StatusTeapot, "no role")
		return
	}
	c.String(http.StatusOK, current(c).UserID())
}

// Whatever verifies again in one request goes by the session that is there.
func TestAgain_StartsFromTheSessionThatIsThere(t *testing.T) {
	byHand := func(s *roleSite, opts ...session.VerifyOption) gin.HandlerFunc {
		return func(c *gin.Context) {
			sess, err := s.svc.VerifyHTTP(c.Writer, c.Request, opts...)
			if err != nil {
				middleware.Abort(c, s.svc, err)
				return
			}
			c.Set(middleware.Key, sess)
		}
	}
	for _, row := range []struct {
		name string
		// alone: without the middleware nobody knows that it is one request, so a claim of
		// this very request is asked for again.
		alone bool
		chain func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc
	}{
		{"group and route", false, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(demand), s.verify(), showRole}
		}},
		{"group and route, both ask", false, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(demand), s.verify(demand), showRole}
		}},
		{"the route asks", false, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(), middleware.VerifyOptional(s.svc, demand), showRole}
		}},
		{"the handler verifies", false, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(demand), byHand(s), showRole}
		}},
		{"the handler verifies twice by itself", true, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{byHand(s, demand), byHand(s, demand), showRole}
		}},
		{"the handler verifies, then the middleware", true, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{byHand(s, demand), s.verify(demand), showRole}
		}},
		{"a buffer in between", false, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			return []gin.HandlerFunc{s.verify(demand), buffering, s.verify(demand), showRole}
		}},
		{"the router starts over", false, func(s *roleSite, demand session.VerifyOption) []gin.HandlerFunc {
			s.router.GET("/y", s.verify(demand), showRole)
			return []gin.HandlerFunc{s.verify(demand), func(c *gin.Context) {
				c.Request.URL.Path = "/y"
				s.router.HandleContext(c)
			}}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				for _, fresh := range []bool{false, !row.alone} {
					s := newRoleSite(t)
					s.router.GET("/x", row.chain(s, s.admin(fresh))...)
					b := s.refreshed(t, "ada", byHeader)
					a := b.do(t, http.MethodGet, "/x")
					require.Equal(t, "ada", a.body)
					require.Equal(t, 1, s.fetches)
					token, sent := accessIn(a.header)
					require.True(t, sent)
					_, _, err := s.svc.Verify(t.Context(), token, "", session.InsecureSkipAntiCSRF(), session.WithClaims(s.role.HasValue("admin")))
					require.NoError(t, err)
					require.Equal(t, 1, s.fetches, "the answer's token has the claim")
					require.Equal(t, "ada", b.do(t, http.MethodGet, "/me").body)
				}
			})
		})
	}
}

// A sign-in earlier in the chain is the session of the request from then on, whoever it
// was before.
func TestAgain_AfterASignIn(t *testing.T) {
	for name, chain := range map[string]func(s *site) []gin.HandlerFunc{
		"Create": func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) {
				if _, err := middleware.Create(c, s.svc, "bob"); err != nil {
					t.Error(err)
				}
			}, s.verify(session.RequireAntiCSRF()), whoami}
		},
		"Create behind Verify": func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{middleware.VerifyOptional(s.svc), func(c *gin.Context) {
				if _, err := middleware.Create(c, s.svc, "bob"); err != nil {
					t.Error(err)
				}
			}, s.verify(), whoami}
		},
		"CreateHTTP": func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) {
				if _, err := s.svc.CreateHTTP(c.Writer, c.Request, "bob"); err != nil {
					t.Error(err)
				}
			}, s.verify(session.RequireAntiCSRF()), whoami}
		},
		"the router starts over": func(s *site) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) {
				if _, err := middleware.Create(c, s.svc, "bob"); err != nil {
					t.Error(err)
				}
				c.Request.URL.Path = "/me"
				s.router.HandleContext(c)
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				for _, before := range []string{"", "ada"} {
					s := newSite(t)
					s.router.POST("/join", chain(s)...)
					b := s.browser(t, byHeader)
					if before != "" {
						b = s.refreshed(t, before, byHeader)
					}
					a := b.do(t, http.MethodPost, "/join")
					require.Equal(t, "bob", a.body)
					require.Equal(t, "bob", b.user(t))
					require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/me").status)
					list, err := s.svc.List(t.Context(), "bob")
					require.NoError(t, err)
					require.Len(t, list, 1)
				}
			})
		})
	}
}

// A middleware around a route's own Verify works on when that has ended.
func TestAgain_InnerVerifyEndsNothing(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		var sent bool
		s.router.GET("/x", s.verify(), func(c *gin.Context) {
			c.Next()
			mergeFirst(c)
			sent = current(c).Sent()
			c.String(http.StatusOK, "ok")
		}, s.verify(), func(*gin.Context) {})
		b := s.signIn(t, "ada", byHeader)
		_, got := accessIn(b.do(t, http.MethodGet, "/x").header)
		require.True(t, sent)
		require.True(t, got)
	})
}

// Two services in one chain keep out of each other's way.
func TestAgain_TwoServices(t *testing.T) {
	s := newSite(t)
	other := newSite(t, func(c *session.Config) { c.Cookie.Suffix, c.Audiences = "_two", []string{"two"} })
	s.router.POST("/two", func(c *gin.Context) {
		if _, err := middleware.Create(c, other.svc, "bob"); err != nil {
			t.Error(err)
		}
	})
	s.router.GET("/both", s.verify(), middleware.Verify(other.svc), func(c *gin.Context) {
		one, err := s.svc.VerifyHTTP(c.Writer, c.Request)
		if err != nil {
			t.Error(err)
		}
		two, err := other.svc.VerifyHTTP(c.Writer, c.Request)
		if err != nil {
			t.Error(err)
		}
		if _, err = one.MergePayload(c, map[string]any{"a": 1}); err != nil {
			t.Error(err)
		}
		c.String(http.StatusOK, one.UserID()+" "+two.UserID())
	})
	b := s.signIn(t, "ada", false)
	b.do(t, http.MethodPost, "/two")
	a := b.do(t, http.MethodGet, "/both")
	require.Equal(t, "ada bob", a.body)
	require.Len(t, a.header.Values("Set-Cookie"), 1)
	require.Equal(t, "ada", b.user(t))
	require.Equal(t, "ada bob", b.do(t, http.MethodGet, "/both").body)
}

// A request with other credentials is another request, though its context is the same.
func TestAgain_OtherCredentials(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		s.router.GET("/as", s.verify(), func(c *gin.Context) {
			r := c.Request.Clone(c.Request.Context())
			r.Header.Del("Cookie")
			r.Header.Set("Authorization", "Bearer "+c.Query("token"))
			sess, err := s.svc.VerifyHTTP(discard{}, r)
			if err != nil {
				middleware.Abort(c, s.svc, err)
				return
			}
			c.String(http.StatusOK, sess.UserID())
		})
		ada, bob := s.signIn(t, "ada", byHeader), s.signIn(t, "bob", true)
		require.Equal(t, "bob", ada.do(t, http.MethodGet, "/as?token="+bob.access).body)
		require.Equal(t, http.StatusUnauthorized, ada.do(t, http.MethodGet, "/as?token=junk").status)
		require.Equal(t, "ada", ada.user(t))
	})
}

// discard is a response that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
