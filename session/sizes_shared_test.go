package session_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A service with short names writes the largest payload that it may into a session of
// one with the longest: that one refreshes it.
func TestSizes_servicesOfOneTable(t *testing.T) {
	t.Parallel()
	for name, letter := range map[string]string{"ASCII": "r", "not ASCII": "ł"} {
		for _, algorithm := range []session.Algorithm{session.HS256, session.ES256, session.RS256} {
			for _, audiences := range [][]string{eightNames(25), {strings.Repeat("\"", 63)}} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					store := memstore.New()
					at := func(change func(*session.Config)) *kit {
						return newKitOn(t, store, nil, func(c *session.Config) {
							c.Issuer, c.SigningKey.Algorithm = "https://app.example", algorithm
							change(c)
						})
					}
					shop := at(func(c *session.Config) {
						c.Audiences, c.Cookie.Prefixes, c.Cookie.Suffix = audiences, session.PrefixHTTP, strings.Repeat("s", 32)
					})
					billing := at(func(c *session.Config) {
						c.Audiences, c.AcceptAudiences = []string{"b"}, audiences[:1]
					})
					tokens, err := shop.Create(t.Context(), "ada")
					require.NoError(t, err)
					handle, largest := tokens.Session.Handle(), 0
					write := func(n int) error {
						return billing.ReplacePayload(t.Context(), handle, map[string]string{"roles": strings.Repeat(letter, n)})
					}
					for step := 4096; step > 0; step /= 2 {
						if err := write(largest + step); err == nil {
							largest += step
						} else {
							require.ErrorIs(t, err, errors.ErrCookieTooLarge)
						}
					}
					require.Greater(t, largest, 100)
					t.Log(algorithm, largest)
					for range 2 {
						tokens, err = shop.Refresh(t.Context(), tokens.Refresh.Value)
						require.NoError(t, err, "nobody is stuck")
						_, _, err = shop.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
						require.NoError(t, err)
					}
				})
			}
		}
	}
}

// What a session has from before the payload had to leave room for other services, it
// keeps: it is refreshed, and continued by Replace.
func TestSizes_largerOfBefore(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	text := func(n int) json.RawMessage { return json.RawMessage(`{"roles":"` + strings.Repeat("r", n) + `"}`) }
	const before = 2500
	require.ErrorIs(t, func() error {
		_, err := k.Create(t.Context(), "ada", session.WithPayload(text(before)))
		return err
	}(), errors.ErrCookieTooLarge)
	tokens, err := k.Create(t.Context(), "ada", session.WithPayload(text(1)))
	require.NoError(t, err)
	written, err := k.store.WritePayload(t.Context(), models.PayloadWrite{
		Handle: tokens.Session.Handle(), Old: text(1), New: text(before), Now: k.clock.Now().UnixMilli(),
	})
	require.NoError(t, err)
	require.True(t, written)
	tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	next, err := sess.Replace(t.Context())
	require.NoError(t, err)
	_, _, err = k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
	require.NoError(t, err)
	next, err = k.Refresh(t.Context(), next.Refresh.Value)
	require.NoError(t, err)
	_, err = next.Session.Replace(t.Context(), session.WithPayload(text(before+1)))
	require.ErrorIs(t, err, errors.ErrCookieTooLarge, "what is more has to leave the room")
	_, err = next.Session.Replace(t.Context(), session.WithPayload(text(before-1)))
	require.NoError(t, err, "a new sign-in may keep less")
	_, err = next.Session.Replace(t.Context(), session.WithPayloadMember("roles", func(context.Context, string, time.Time) (any, error) {
		return strings.Repeat("s", before), nil
	}))
	require.NoError(t, err, "and as much")
	_, err = next.Session.ReplacePayload(t.Context(), text(before+1))
	require.ErrorIs(t, err, errors.ErrCookieTooLarge)
	_, err = next.Session.ReplacePayload(t.Context(), text(before-1))
	require.NoError(t, err, "it may shrink")
}

// A payload that an earlier system has kept comes over as far as this service can carry
// it, and its tokens are refreshed.
func TestSizes_importedLarger(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	k.old.sessions["first"].Payload = json.RawMessage(`{"roles":"` + strings.Repeat("r", 2500) + `"}`)
	tokens, err := k.Refresh(t.Context(), "old.first.5")
	require.NoError(t, err)
	_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	k.old.signIn("second", "ada")
	k.old.sessions["second"].Payload = json.RawMessage(`{"roles":"` + strings.Repeat("r", 4000) + `"}`)
	_, err = k.Refresh(t.Context(), "old.second.5")
	require.ErrorIs(t, err, errors.ErrImportRefused)
}

// A service whose one name is longer than several may be together goes on: whoever
// changed it would sign everybody out. Its payloads leave room for that name instead.
func TestSizes_longNameOfBefore(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.Audiences = []string{strings.Repeat("\"", 256)} })
	largest := 0
	for step := 4096; step > 0; step /= 2 {
		tokens, err := k.Create(t.Context(), "ada", session.WithPayload(map[string]string{"roles": strings.Repeat("r", largest+step)}))
		if err != nil {
			require.ErrorIs(t, err, errors.ErrCookieTooLarge)
			continue
		}
		largest += step
		_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err, "what is accepted can be refreshed")
	}
	require.Greater(t, largest, 100)
}

// The largest payload of the table in docs/operations.md.
func TestSizes_asDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`sign-in by cookie works up to n = \| [0-9,]+ \| ([0-9,]+) \|`).FindStringSubmatch(string(page))
	require.Len(t, row, 2)
	n, err := strconv.Atoi(strings.ReplaceAll(row[1], ",", ""))
	require.NoError(t, err)
	k := newKit(t)
	_, err = k.Create(t.Context(), "ada", session.WithPayload(map[string]string{"roles": strings.Repeat("r", n)}))
	require.NoError(t, err)
	_, err = k.Create(t.Context(), "ada", session.WithPayload(map[string]string{"roles": strings.Repeat("r", n+1)}))
	require.ErrorIs(t, err, errors.ErrCookieTooLarge)
}
