package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Pages for visitors show who is in, and are shown to whoever turns out not to be.
func TestVerifyPageOptional(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	v := s.person(t).open("/")
	require.Equal(t, "GET / visitor ", v.body)
	require.Len(t, v.hops, 1)
	require.Equal(t, "POST / visitor item=1", s.person(t).post("/", "item=1").body)

	p := s.signedIn(t, "ada")
	s.later()
	v = p.open("/?a=1")
	require.Equal(t, "GET / ada ", v.body)
	require.Equal(t, []string{"GET /?a=1", "GET /auth/session/refresh?to=%2F%3Fa%3D1&optional=1", "GET /?a=1"}, v.hops)

	s.later()
	require.NoError(t, s.revokeAll(t))
	forms := p.jar.Clone()
	v = p.open("/")
	require.Equal(t, "GET / visitor ", v.body)
	require.Len(t, v.hops, 3)
	require.Empty(t, p.cookie("sAccessToken"))
	require.Empty(t, p.cookie("sRefreshToken"))
	require.Len(t, p.open("/").hops, 1)

	// What a form has posted comes back too.
	p.jar = forms
	require.Equal(t, "POST / visitor item=1", p.post("/", "item=1").body)
}

// A token that cannot be taken away, as another host of the site has set it, sends nobody
// in circles.
func TestVerifyPageOptional_StubbornCookie(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	s.later()
	stale := p.cookie("sAccessToken")
	visitor := s.person(t)
	refused := visitor.jar.Set(target(t, "/cart"), []string{"sAccessToken=" + stale + "; Path=/cart; Secure", "sAccessToken=" + stale + "; Domain=shop.example; Path=/; Secure"})
	require.Empty(t, refused)
	require.Equal(t, "GET / visitor ", visitor.open("/").body)
	require.Equal(t, "/login?to=%2Fcart", visitor.open("/cart").path)

	// The mark is a moment's: whoever signs in then is not held for a visitor.
	visitor = s.person(t)
	visitor.jar.Set(target(t, "/"), []string{"sAccessToken=" + stale + "; Path=/; Secure"})
	require.Equal(t, "GET / visitor ", visitor.open("/").body)
	require.NotEmpty(t, visitor.cookie("__Host-sPage"))
	require.Equal(t, http.StatusOK, visitor.post("/login", "user=bob").status)
	require.Equal(t, "GET / bob ", visitor.open("/").body)
}

// What is none of ours is a visitor's.
func TestVerifyPageOptional_SomethingElse(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.person(t)
	p.set("/", "sAccessToken", "what")
	v := p.open("/")
	require.Equal(t, "GET / visitor ", v.body)
	require.Len(t, v.hops, 1)
	require.Equal(t, "what", p.cookie("sAccessToken"))
	require.Equal(t, "/login?to=%2Fcart", p.open("/cart").path)
}

// Theft is told on a page for visitors too.
func TestVerifyPageOptional_Theft(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	thief := &person{t: t, to: s.router, jar: p.jar.Clone()}
	s.later()
	require.Equal(t, "GET / ada ", thief.open("/").body)
	s.later()
	require.Equal(t, "/login?reason=theft", p.open("/").path)
	require.Equal(t, "GET / visitor ", p.open("/").body)
	require.Len(t, s.Kit.Events(session.EventTheft), 1)
}

// Scripts of npm get what VerifyOptional answers.
func TestVerifyPageOptional_FrontEnd(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	require.Equal(t, "GET / visitor ", s.person(t).do(http.MethodGet, "/", "", frontEnd()).body)
	s.later()
	require.Equal(t, http.StatusUnauthorized, p.do(http.MethodGet, "/", "", frontEnd()).status)
}
