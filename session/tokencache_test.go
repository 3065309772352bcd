package session_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// verifyTwice verifies a token of a new session so that it is remembered.
func (k *kit) verifyTwice(t *testing.T) *session.Tokens {
	t.Helper()
	tokens, err := k.Create(t.Context(), "user", session.WithPayload(map[string]int{"a": 1}))
	require.NoError(t, err)
	for range 2 {
		_, _, err = k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
	}
	return tokens
}

// kidOf reads the key id from a token's header.
func kidOf(t *testing.T, access string) string {
	t.Helper()
	segment, _, _ := strings.Cut(access, ".")
	text, err := base64.RawURLEncoding.DecodeString(segment)
	require.NoError(t, err)
	var header struct{ Kid string }
	require.NoError(t, json.Unmarshal(text, &header))
	return header.Kid
}

// What is remembered of a token is held against the state of things every time,
// with a cache of any size and without one.
func TestTokenCacheHonoursEveryEnd(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"default": 0, "small": 64 << 10, "off": session.Off} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newKit := func(t *testing.T) *kit {
				t.Helper()
				return newKit(t, func(c *session.Config) { c.TokenCacheBytes = size })
			}
			t.Run("expiry", func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				tokens := k.verifyTwice(t)
				k.clock.Advance(time.Hour)
				_, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
				require.ErrorIs(t, err, errors.ErrTryRefreshToken)
				require.ErrorIs(t, err, errors.ErrTokenExpired)
			})
			t.Run("retired key", func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				tokens := k.verifyTwice(t)
				require.NoError(t, k.RetireKey(t.Context(), kidOf(t, tokens.Access.Value)))
				_, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
				require.ErrorIs(t, err, errors.ErrTryRefreshToken)
				require.ErrorIs(t, err, errors.ErrKeyUnknown)
			})
			t.Run("revocation at once", func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				tokens := k.verifyTwice(t)
				_, err := k.Revoke(t.Context(), tokens.Session.Handle())
				require.NoError(t, err)
				_, _, err = k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF, session.WithRevocation(session.RevokeImmediately))
				require.ErrorIs(t, err, errors.ErrUnauthorised)
				require.ErrorIs(t, err, errors.ErrSessionRevoked)
			})
			t.Run("anti-CSRF", func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				tokens := k.verifyTwice(t)
				_, _, err := k.Verify(t.Context(), tokens.Access.Value, "wrong")
				require.ErrorIs(t, err, errors.ErrAntiCSRF)
			})
		})
	}
}

// What one request does with its session is not seen by the next with the same token.
func TestTokenCacheIsNotChangedByHandlers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens := k.verifyTwice(t)
	sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	_, err = sess.MergePayload(t.Context(), map[string]any{"a": 2})
	require.NoError(t, err)
	var payload map[string]int
	err = sess.Payload(&payload)
	require.NoError(t, err)
	require.Equal(t, 2, payload["a"])

	again, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	payload = nil
	err = again.Payload(&payload)
	require.NoError(t, err)
	require.Equal(t, 1, payload["a"], "it says what the token says")
}

// A token that waits to be promoted runs its statement at every use that finds it
// waiting: it is not remembered as anything else.
func TestTokenCacheLeavesPromotionAlone(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens := k.verifyTwice(t)
	next, err := k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	for range 3 {
		k.store.Arm()
		_, replacement, err := k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
		require.NoError(t, err)
		require.NotNil(t, replacement, "the client may have missed the one before")
		require.NotZero(t, k.store.Calls())
	}
}

// The usual request costs few allocations and no statement. Not parallel: it
// counts them.
func TestVerifyHTTP_CostsLittle(t *testing.T) {
	k := newKit(t)
	tokens := k.verifyTwice(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
	r.Header.Set("Cookie", "theme=dark; sAccessToken="+tokens.Access.Value)
	w := httptest.NewRecorder()
	k.store.Arm()
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		_, err := k.VerifyHTTP(w, r)
		require.NoError(t, err)
	}), 4.0)
	require.Zero(t, k.store.Calls())
}

// Not parallel: it counts goroutines and measures the heap.
func TestServiceAtRestTakesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goroutines, before := runtime.NumGoroutine(), heap()
		k := newKit(t)
		k.verifyTwice(t)
		synctest.Wait()
		goroutines, grown := runtime.NumGoroutine()-goroutines, heap()-before
		runtime.KeepAlive(k)
		t.Logf("%d goroutines, %d bytes", goroutines, grown)
		require.LessOrEqual(t, goroutines, 2)
		require.Less(t, grown, int64(5<<20))
	})
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
