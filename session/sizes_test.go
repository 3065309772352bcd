package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// renamedKey is a provider whose one key can get another id.
type renamedKey struct{ id atomic.Pointer[string] }

func (p *renamedKey) rename(id string) { p.id.Store(&id) }

func (p *renamedKey) Keys(context.Context) ([]session.Key, error) {
	return []session.Key{{ID: *p.id.Load(), Secret: bytes.Repeat([]byte("secret"), 8)}}, nil
}

// What a session may be created with it can keep for its life: each token that it may
// get fits where it has to go. What is longer by one is refused before it is stored.
func TestCreate_acceptsWhatCanBeRefreshed(t *testing.T) {
	t.Parallel()
	ascii := func(n int) any { return map[string]any{"roles": strings.Repeat("r", n)} }
	for name, row := range map[string]struct {
		config  func(*session.Config)
		user    string
		payload func(n int) any
	}{
		"default settings":        {nil, "ada", ascii},
		"the longest user id":     {nil, strings.Repeat("é", 64), ascii},
		"a user id to be escaped": {nil, strings.Repeat("\x01", 128), ascii},
		"the front token is tighter": {nil, "ada", func(n int) any {
			return map[string]any{"name": strings.Repeat("ł", n)}
		}},
		"no object":      {nil, "ada", func(n int) any { return strings.Repeat("r", n) }},
		"no front token": {func(c *session.Config) { c.FrontEnds.FrontToken = session.SwitchOff }, "ada", ascii},
		"by header only": {func(c *session.Config) { c.FrontEnds.Carriers = session.CarriersHeader }, "ada", ascii},
		"prefixes":       {func(c *session.Config) { c.Cookie.Prefixes = session.PrefixHost }, "ada", ascii},
		"long prefixes":  {func(c *session.Config) { c.Cookie.Prefixes = session.PrefixHTTP }, "ada", ascii},
		"long names": {func(c *session.Config) {
			c.Issuer, c.Audiences = "https://"+strings.Repeat("i", 200), []string{strings.Repeat("\"", 63)}
		}, "ada", ascii},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, func(c *session.Config) {
				if row.config != nil {
					row.config(c)
				}
			})
			largest := 0
			for step := 4096; step > 0; step /= 2 {
				if _, err := k.Create(t.Context(), row.user, session.WithPayload(row.payload(largest+step))); err == nil {
					largest += step
				}
			}
			require.Greater(t, largest, 100)
			k.store.Arm()
			_, err := k.Create(t.Context(), row.user, session.WithPayload(row.payload(largest+1)))
			require.ErrorIs(t, err, errors.ErrInvalidInput)
			require.ErrorIs(t, err, errors.ErrCookieTooLarge)
			_, err = k.CreateHTTP(httptest.NewRecorder(), request(t, nil), row.user, session.WithPayload(row.payload(largest+1)))
			require.ErrorIs(t, err, errors.ErrCookieTooLarge)
			require.Empty(t, k.store.Counts())

			tokens, err := k.Create(t.Context(), row.user, session.WithPayload(row.payload(largest)))
			require.NoError(t, err)
			for _, gen := range []int64{1, models.MaxGeneration} {
				tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
				if err != nil {
					t.Fatalf("can be created and never refreshed: %v", err)
				}
				tokens.Refresh.Value = k.backup(t, tokens.Session.Handle()).forge(t, tokens.Refresh.Value, gen)
				tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
				require.NoError(t, err)
				_, replacement, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
				require.NoError(t, err)
				require.NotNil(t, replacement)
			}
			// One rule: what was too long then is so now, and what was not is not.
			members := func(n int) map[string]any {
				m, _ := row.payload(n).(map[string]any)
				return m
			}
			if members(1) != nil {
				require.ErrorIs(t, k.MergePayload(t.Context(), tokens.Session.Handle(), members(largest+1)), errors.ErrCookieTooLarge)
				require.NoError(t, k.MergePayload(t.Context(), tokens.Session.Handle(), members(largest)))
			}
		})
	}
}

// A provider may name its next key as long as it likes.
func TestCreate_fitsUnderAnyKeyOfAProvider(t *testing.T) {
	t.Parallel()
	provider := &renamedKey{}
	provider.rename("k")
	change := func(c *session.Config) { c.SigningKey.Provider = provider }
	k := newKit(t, change)
	largest := 0
	payload := func(n int) session.CreateOption { return session.WithPayload(strings.Repeat("r", n)) }
	for step := 4096; step > 0; step /= 2 {
		if _, err := k.Create(t.Context(), "ada", payload(largest+step)); err == nil {
			largest += step
		}
	}
	tokens, err := k.Create(t.Context(), "ada", payload(largest))
	require.NoError(t, err)
	provider.rename(strings.Repeat("k", 32))
	next := newKitOn(t, k.store, k.clock, change)
	_, err = next.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
}

// A session that was created when the rule was less strict goes on as long as its
// token of the moment fits, and its payload may change but for growing.
func TestCreate_sessionsOfTheLaxerRuleGoOn(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	text := func(n int) []byte {
		b, err := json.Marshal(map[string]string{"a": "x", "roles": strings.Repeat("r", n)})
		require.NoError(t, err)
		return b
	}
	largest := 0
	for step := 4096; step > 0; step /= 2 {
		if _, err := k.Create(t.Context(), "ada", session.WithPayload(json.RawMessage(text(largest+step)))); err == nil {
			largest += step
		}
	}
	const lax = 8
	tokens, err := k.Create(t.Context(), "ada", session.WithPayload(json.RawMessage(text(largest))))
	require.NoError(t, err)
	handle := tokens.Session.Handle()
	written, err := k.store.WritePayload(t.Context(), models.PayloadWrite{
		Handle: handle, Old: text(largest), New: text(largest + lax), Now: k.clock.Now().UnixMilli(),
	})
	require.NoError(t, err)
	require.True(t, written)

	tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	_, err = sess.MergePayload(t.Context(), map[string]any{"a": "y"})
	require.NoError(t, err)
	require.ErrorIs(t, k.MergePayload(t.Context(), handle, map[string]any{"a": "yy"}), errors.ErrCookieTooLarge)
	require.NoError(t, k.MergePayload(t.Context(), handle, map[string]any{"a": nil}))
	_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
}

// What a request carries is what a server pays for, before anybody checks it. The
// lengths are those of docs/performance.md: a user id of 36 characters, a small payload,
// and the configuration as it is by itself.
func TestAccessToken_staysShort(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	created, err := k.Create(t.Context(), "7e57ab1e-0000-4000-8000-00000000c0de", session.WithPayload(json.RawMessage(`{"role":"editor"}`)))
	require.NoError(t, err)
	require.NotEmpty(t, created.AntiCSRF)
	k.clock.Advance(time.Second)
	refreshed, err := k.Refresh(t.Context(), created.Refresh.Value)
	require.NoError(t, err)
	_, promoted, err := k.Verify(t.Context(), refreshed.Access.Value, refreshed.AntiCSRF)
	require.NoError(t, err)
	t.Logf("created %d, refreshed %d, promoted %d bytes", len(created.Access.Value), len(refreshed.Access.Value), len(promoted.Value))
	require.LessOrEqual(t, len(created.Access.Value), 480)
	require.LessOrEqual(t, len(promoted.Value), 480)
}
