package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// The mark of a visitor is this host's alone: another host of the site cannot have users
// taken for visitors.
func TestVerifyPageOptional_PlantedMark(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	s.later()
	refused := p.jar.Set(target(t, "/"), []string{"sPage=visitor; Domain=shop.example; Path=/; Secure; Max-Age=86400"})
	require.Empty(t, refused)
	refused = p.jar.Set(target(t, "/"), []string{"__Host-sPage=visitor; Domain=shop.example; Path=/; Secure; Max-Age=86400"})
	require.Len(t, refused, 1)
	require.Equal(t, "GET / ada ", p.open("/").body)
}

// In a frame of another site the mark is where the other cookies are.
func TestVerifyPageOptional_PartitionedMark(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(cfg *session.Config) {
		cfg.Cookie.Partitioned, cfg.Cookie.SameSite = true, http.SameSiteNoneMode
	})
	p := s.signedIn(t, "ada")
	require.NoError(t, s.revokeAll(t))
	s.later()
	w := p.once(t.Context(), http.MethodGet, target(t, "/auth/session/refresh?to=/&optional=1"), "", own("iframe"))
	require.Equal(t, http.StatusSeeOther, w.Code)
	marks := 0
	for _, c := range w.Result().Cookies() {
		require.True(t, c.Partitioned, c)
		if c.MaxAge > 0 {
			marks++
			require.Equal(t, "__Host-sPage", c.Name)
		}
	}
	require.Equal(t, 1, marks)
}
