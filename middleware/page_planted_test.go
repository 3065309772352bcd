package middleware_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// What another host of the site plants where only a page sees it, and the refresh route
// does not, sends nobody in circles: the page says that it cannot be shown.
func TestPages_PlantedAtAPath(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(s *shop, p *person){
		"a session of the attacker's": func(s *shop, p *person) {
			p.set("/cart", "sAccessToken", s.signedIn(t, "eve").cookie("sAccessToken"))
		},
		"more cookies than are read": func(_ *shop, p *person) {
			for i := range 181 {
				p.set("/cart", "sAccessToken", "x"+strconv.Itoa(i))
				p.jar.Set(target(t, "/cart"), []string{"sAccessToken=y" + strconv.Itoa(i) + "; Path=/cart/" + strconv.Itoa(i)})
			}
		},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			s := newShop(t)
			p := s.signedIn(t, "ada")
			plant(s, p)
			for range 3 {
				v, err := p.try(t.Context(), method, "/cart", "", own("document"))
				require.NoError(t, err, name)
				rounds := strings.Count(strings.Join(v.hops, "\n"), "/auth/session/refresh")
				require.LessOrEqual(t, rounds, 2, "%s %v", name, v.hops)
			}
			require.NotEmpty(t, p.cookie("sRefreshToken"), name)
			require.Empty(t, s.Kit.Events(session.EventTheft), name)
		}
	}
}
