package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// tokenRoute is one way on which tokens come into a Service; the request has
// them by the carrier at hand.
type tokenRoute struct {
	name string
	// access says that the route takes an access token, else a refresh token.
	access bool
	try    func(k *kit, tokens *session.Tokens) error
}

// tokenRoutes are all ways on which a token comes into a Service.
func tokenRoutes(t *testing.T) []tokenRoute {
	t.Helper()
	byCookie := func(tokens *session.Tokens) *http.Request {
		return request(t, map[string]string{"rid": "session", "anti-csrf": tokens.AntiCSRF},
			"sAccessToken="+tokens.Access.Value, "sRefreshToken="+tokens.Refresh.Value)
	}
	byHeader := func(token string) *http.Request {
		return request(t, map[string]string{"Authorization": "Bearer " + token})
	}
	return []tokenRoute{
		{"refresh", false, func(k *kit, tokens *session.Tokens) error {
			_, err := k.Refresh(t.Context(), tokens.Refresh.Value)
			return err
		}},
		{"refresh by cookie", false, func(k *kit, tokens *session.Tokens) error {
			_, err := k.RefreshHTTP(httptest.NewRecorder(), byCookie(tokens))
			return err
		}},
		{"refresh by header", false, func(k *kit, tokens *session.Tokens) error {
			_, err := k.RefreshHTTP(httptest.NewRecorder(), byHeader(tokens.Refresh.Value))
			return err
		}},
		{"verify", true, func(k *kit, tokens *session.Tokens) error {
			_, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
			return err
		}},
		{"verify by cookie", true, func(k *kit, tokens *session.Tokens) error {
			_, err := k.VerifyHTTP(httptest.NewRecorder(), byCookie(tokens))
			return err
		}},
		{"verify by header", true, func(k *kit, tokens *session.Tokens) error {
			_, err := k.VerifyHTTP(httptest.NewRecorder(), byHeader(tokens.Access.Value))
			return err
		}},
		{"sign out", true, func(k *kit, tokens *session.Tokens) error {
			return k.SignOutHTTP(httptest.NewRecorder(), byCookie(tokens))
		}},
	}
}

// A session of one issuer and audience is nothing at another that uses the same
// tables and keys, on every way in which a token comes.
func TestAudience_aSessionIsNothingElsewhere(t *testing.T) {
	t.Parallel()
	const name = "https://app.example"
	for row, services := range map[string][2][2]string{
		"another audience":               {{name, "shop"}, {name, "admin"}},
		"another issuer":                 {{name, "shop"}, {"https://evil.example", "shop"}},
		"audience in other case":         {{name, "shop"}, {name, "Shop"}},
		"audience with a space":          {{name, "shop"}, {name, "shop "}},
		"audience that begins alike":     {{name, "shop"}, {name, "shop.example"}},
		"issuer and audience exchanged":  {{"shop", "admin"}, {"admin", "shop"}},
		"the same text, cut differently": {{"ab", "c"}, {"a", "bc"}},
		"the default and another":        {{"", ""}, {"", "admin"}},
	} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			store := memstore.New()
			at := func(i int) *kit {
				return newKitOn(t, store, nil, func(c *session.Config) { c.Issuer, c.Audience = services[i][0], services[i][1] })
			}
			own, other := at(0), at(1)
			first, err := own.Create(t.Context(), "customer-1")
			require.NoError(t, err)
			second, err := own.Refresh(t.Context(), first.Refresh.Value)
			require.NoError(t, err)
			for _, tokens := range []*session.Tokens{first, second} {
				for _, route := range tokenRoutes(t) {
					other.store.Arm()
					err := route.try(other, tokens)
					if err == nil {
						t.Errorf("%s: a session", route.name)
						continue
					}
					require.ErrorIs(t, err, errors.ErrTokenForeign, route.name)
					require.Empty(t, other.store.Counts(), "%s: refused before any statement", route.name)
				}
			}
			// A sign-in there does not end the session here.
			r := request(t, nil, "sAccessToken="+first.Access.Value)
			_, err = other.CreateHTTP(httptest.NewRecorder(), r, "admin-1")
			require.NoError(t, err)
			for _, route := range tokenRoutes(t) {
				require.NoError(t, route.try(own, second), route.name)
				if route.name == "sign out" {
					break
				}
			}
		})
	}
}
