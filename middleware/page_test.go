package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// A page and a form work two hours later, without a script.
func TestVerifyPage_TheDance(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")

	s.later()
	v := p.open("/cart?sort=a%20b&x=1")
	require.Equal(t, "GET /cart ada ", v.body)
	require.Equal(t, []string{
		"GET /cart?sort=a%20b&x=1",
		"GET /auth/session/refresh?to=%2Fcart%3Fsort%3Da%2520b%26x%3D1",
		"GET /cart?sort=a%20b&x=1",
	}, v.hops)
	require.Len(t, p.open("/cart").hops, 1, "one round trip for each access token")

	s.later()
	v = p.post("/cart", "item=7")
	require.Equal(t, "POST /cart ada item=7", v.body)
	require.Equal(t, []string{"POST /cart", "POST /auth/session/refresh?to=%2Fcart", "POST /cart"}, v.hops)

	s.later()
	require.Len(t, p.do(http.MethodHead, "/cart", "", typed()).hops, 3)
	require.Empty(t, s.Kit.Events(session.EventTheft))
}
