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
		"the default and another":        {{"", "sessionkit"}, {"", "admin"}},
	} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			store := memstore.New()
			at := func(i int) *kit {
				return newKitOn(t, store, nil, func(c *session.Config) { c.Issuer, c.Audiences = services[i][0], []string{services[i][1]} })
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

// named is a service of one issuer with these audiences, on tables that it shares.
func named(t *testing.T, store session.Store, accept []string, audiences ...string) *kit {
	t.Helper()
	return newKitOn(t, store, nil, func(c *session.Config) {
		c.Issuer, c.Audiences, c.AcceptAudiences = "https://app.example", audiences, accept
	})
}

// A token that is made for two services is good at both; only the one that made it
// refreshes it, and the other one's own tokens are nothing there.
func TestAudiences_severalServices(t *testing.T) {
	t.Parallel()
	for row, other := range map[string]struct{ made, accept []string }{
		"named by the issuing service": {made: []string{"shop", "billing"}},
		"taken by the other":           {made: []string{"shop"}, accept: []string{"shop"}},
	} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			store := memstore.New()
			shop := named(t, store, nil, other.made...)
			billing := named(t, store, other.accept, "billing")

			first, err := shop.Create(t.Context(), "customer-1")
			require.NoError(t, err)
			second, err := shop.Refresh(t.Context(), first.Refresh.Value)
			require.NoError(t, err)
			// The first use is at the other service.
			sess, promoted, err := billing.Verify(t.Context(), second.Access.Value, second.AntiCSRF)
			require.NoError(t, err)
			require.NotNil(t, promoted)
			require.Equal(t, "customer-1", sess.UserID())
			// What is changed there stays a token of the first.
			sess, err = billing.VerifyHTTP(httptest.NewRecorder(), request(t, nil, "sAccessToken="+promoted.Value), session.InsecureSkipAntiCSRF())
			require.NoError(t, err)
			_, err = sess.MergePayload(t.Context(), map[string]any{"a": 1})
			require.NoError(t, err)
			changed := sess.AccessToken().Value
			require.NotEqual(t, promoted.Value, changed)
			for _, text := range []string{promoted.Value, changed} {
				for _, service := range []*kit{shop, billing, shop, billing} { // twice: from the caches too
					_, _, err = service.Verify(t.Context(), text, second.AntiCSRF)
					require.NoError(t, err)
				}
			}

			_, err = billing.Refresh(t.Context(), second.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrTokenForeign)
			_, err = shop.Refresh(t.Context(), second.Refresh.Value)
			require.NoError(t, err)

			own, err := billing.Create(t.Context(), "customer-1")
			require.NoError(t, err)
			_, _, err = shop.Verify(t.Context(), own.Access.Value, own.AntiCSRF)
			require.ErrorIs(t, err, errors.ErrTokenForeign)
			_, err = shop.Refresh(t.Context(), own.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrTokenForeign)

			// A sign-out at either ends the session at both.
			require.NoError(t, billing.SignOutHTTP(httptest.NewRecorder(),
				request(t, map[string]string{"rid": "session", "anti-csrf": second.AntiCSRF}, "sAccessToken="+changed)))
			_, err = shop.Refresh(t.Context(), second.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrUnauthorised)
		})
	}
}

// The issuer has to be the same, whatever the audiences are.
func TestAudiences_anotherIssuer(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	shop := named(t, store, nil, "shop", "billing")
	billing := newKitOn(t, store, nil, func(c *session.Config) {
		c.Issuer, c.Audiences, c.AcceptAudiences = "https://evil.example", []string{"billing"}, []string{"shop"}
	})
	tokens, err := shop.Create(t.Context(), "customer-1")
	require.NoError(t, err)
	_, _, err = billing.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.ErrorIs(t, err, errors.ErrTokenForeign)
}

// Another name may be added, and taken away: sessions go on.
func TestAudiences_change(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	before := named(t, store, nil, "shop")
	tokens, err := before.Create(t.Context(), "customer-1")
	require.NoError(t, err)
	for _, audiences := range [][]string{{"shop", "billing"}, {"shop", "report", "billing"}, {"shop"}} {
		after := named(t, store, nil, audiences...)
		_, _, err = after.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		next, err := after.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		// An instance that does not know the new names yet takes it too.
		_, promoted, err := before.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
		require.NoError(t, err)
		next.Access = *promoted
		tokens = next
	}
}

// The lists are the service's own: what the caller does to his changes nothing.
func TestAudiences_areCopied(t *testing.T) {
	t.Parallel()
	made, accept := []string{"shop"}, []string{"billing"}
	k := named(t, memstore.New(), accept, made...)
	made[0], accept[0] = "evil", "evil"
	tokens, err := k.Create(t.Context(), "customer-1")
	require.NoError(t, err)
	_, _, err = named(t, memstore.New(), nil, "evil").Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.Error(t, err)
	_, _, err = k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
}
