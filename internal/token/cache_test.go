package token_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// promoted is a token that a Cache remembers; mark makes it differ.
func promoted(mark string) *token.Access {
	a := access()
	a.Promoted()
	a.ID = mark
	return a
}

// A token that is remembered is refused as soon as one that is not would be.
func TestCacheHonoursWhatChanges(t *testing.T) {
	t.Parallel()
	text := mustSign(t, promoted("one"), accessKey)
	secretOf := func(b []byte, err error) token.Keys {
		return func(string, int64) (token.Key, error) { return token.Key{Secret: b}, err }
	}
	changed := []byte(strings.Repeat("another secret ", 3))
	for _, row := range []struct {
		name string
		text string
		keys token.Keys
		want func(*token.Expect)
		err  error
	}{
		{"expired", text, nil, func(e *token.Expect) { e.Now = exp*1000 + 5000 }, errors.ErrTokenExpired},
		{"the clock was put back", text, nil, func(e *token.Expect) { e.Now = (iat - 66) * 1000 }, errors.ErrTokenFromFuture},
		{"the key was retired", text, secretOf(nil, errors.ErrKeyUnknown), nil, errors.ErrKeyUnknown},
		{"the key cannot be asked for", text, secretOf(nil, errors.ErrUnavailable), nil, errors.ErrUnavailable},
		{"the key has another secret", text, secretOf(changed, nil), nil, errors.ErrTokenForged},
		{"the key lost its secret", text, secretOf(nil, nil), nil, errors.ErrKeyUnknown},
		{"another issuer", text, nil, func(e *token.Expect) { e.Issuer = "other" }, errors.ErrTokenForeign},
		{"another audience", text, nil, func(e *token.Expect) { e.Audiences = []string{"other"} }, errors.ErrTokenForeign},
		{"no signature", text[:strings.LastIndex(text, ".")+1], nil, nil, errors.ErrTokenMalformed},
		{"another signature", text[:len(text)-43] + strings.Repeat("A", 43), nil, nil, errors.ErrTokenForged},
		{"something behind", text + "A", nil, nil, errors.ErrTokenMalformed},
		{"something behind a NUL", text + "\x00", nil, nil, errors.ErrTokenMalformed},
		{"cut to the longest that is read", text + strings.Repeat("A", token.MaxAccessLen), nil, nil, errors.ErrTokenMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := token.NewCache[struct{}](1 << 20)
			_, _, err := c.ParseAccess(text, only(accessKey), expect())
			require.NoError(t, err)

			keys, want := only(accessKey), expect()
			if row.keys != nil {
				keys = row.keys
			}
			if row.want != nil {
				row.want(&want)
			}
			for range 3 {
				_, _, err = c.ParseAccess(row.text, keys, want)
				require.ErrorIs(t, err, row.err)
				_, _, err = c.ParseAccess(text, only(accessKey), expect())
				require.NoError(t, err, "and no refusal is remembered")
			}
		})
	}
}

// Whatever happened before, a Cache answers as if there was none.
func TestCacheAnswersAsWithoutIt(t *testing.T) {
	t.Parallel()
	keys := []token.Key{accessKey, {ID: accessKey.ID, Secret: refreshKey.Secret}, {ID: "access-2", Secret: accessKey.Secret}}
	var texts []string
	for i := range 12 {
		a := promoted(fmt.Sprint("token-", i))
		a.ExpiresAt += int64(i % 3)
		if i%4 == 0 {
			a.Parent, a.Refresh = hashOf(byte(i+1)), hashOf(0x22)
		}
		text := mustSign(t, a, keys[i%len(keys)])
		texts = append(texts, text, text[:len(text)-2]+"AA", text+".")
	}
	rapid.Check(t, func(t *rapid.T) {
		c := token.NewCache[struct{}](rapid.SampledFrom([]int64{0, 4 << 10, 1 << 20}).Draw(t, "bytes"))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			text := rapid.SampledFrom(texts).Draw(t, "text")
			find := only(rapid.SampledFrom(keys).Draw(t, "key"))
			want := expect()
			want.Now = 1000 * rapid.SampledFrom([]int64{iat - 70, iat, exp + 4, exp + 5, exp + 6, exp + 7}).Draw(t, "now")
			want.Audiences = []string{rapid.SampledFrom([]string{audience, audience, audience, "other"}).Draw(t, "audience")}

			a, err := token.ParseAccess(text, find, want)
			b, _, cachedErr := c.ParseAccess(text, find, want)
			require.Equal(t, err, cachedErr)
			if err == nil {
				require.Equal(t, *a, *b)
			}
		}
	})
}

// A token that waits to be promoted is not remembered.
func TestCacheRemembersPromotedTokensOnly(t *testing.T) {
	t.Parallel()
	c, keys, want := token.NewCache[struct{}](1<<20), only(accessKey), expect()
	for _, row := range []struct {
		claims     *token.Access
		remembered bool
	}{{access(), false}, {promoted("one"), true}} {
		text := mustSign(t, row.claims, accessKey)
		first, _, err := c.ParseAccess(text, keys, want)
		require.NoError(t, err)
		again, _, err := c.ParseAccess(text, keys, want)
		require.NoError(t, err)
		require.Equal(t, row.remembered, first == again)
	}
}

// A hit costs no allocation. Not parallel: it counts them.
func TestCacheHitAllocatesNothing(t *testing.T) {
	c, keys, want := token.NewCache[struct{}](1<<20), only(accessKey), expect()
	text := mustSign(t, promoted("one"), accessKey)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _, err := c.ParseAccess(text, keys, want)
		require.NoError(t, err)
	}))
	// It is a hit, then: the same token takes this many without a Cache.
	require.NotZero(t, testing.AllocsPerRun(100, func() {
		_, err := token.ParseAccess(text, keys, want)
		require.NoError(t, err)
	}))
}

// Not parallel: it measures the heap.
func TestCacheStaysWithinItsBound(t *testing.T) {
	const bound = 4 << 20
	other := strings.Repeat("x", 4<<10)
	keys, want := only(accessKey), expect()
	for payload, n := range map[int]int{0: 5000, 300: 100_000, 2200: 2000} {
		a := promoted("")
		a.Payload = json.RawMessage(`{"text":"` + strings.Repeat("x", payload) + `"}`)
		before := heap()
		c := token.NewCache[struct{}](bound)
		for i := range n {
			a.ID = fmt.Sprint("token-", i)
			// A token comes as a part of something longer, of which nothing may be kept.
			header := other + mustSign(t, a, accessKey)
			_, _, err := c.ParseAccess(header[len(other):], keys, want)
			require.NoError(t, err)
		}
		grown := int64(heap()) - int64(before)
		runtime.KeepAlive(c)
		t.Logf("payload of %d bytes: %d tokens, the heap grew by %d of %d bytes", payload, n, grown, bound)
		require.LessOrEqual(t, grown, int64(bound))
		require.Greater(t, grown, int64(bound/3), "it remembers nothing")
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c, keys, want := token.NewCache[struct{}](32<<10), only(accessKey), expect()
	var texts []string
	for i := range 64 {
		texts = append(texts, mustSign(t, promoted(fmt.Sprint(i)), accessKey))
	}
	done := make(chan error)
	for worker := range 8 {
		go func() {
			var err error
			for i := range 2000 {
				n := (i*7 + worker) % len(texts)
				a, _, e := c.ParseAccess(texts[n], keys, want)
				if e != nil || a.ID != fmt.Sprint(n) {
					err = fmt.Errorf("token %d: %v, %w", n, a, e)
				}
			}
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}

func BenchmarkCacheHit(b *testing.B) {
	c, keys, want := token.NewCache[struct{}](1<<20), only(accessKey), expect()
	text := mustSign(b, promoted("one"), accessKey)
	want.Leeway = time.Second
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.ParseAccess(text, keys, want); err != nil {
			b.Fatal(err)
		}
	}
}

// The cache keeps book of its hits once it is half full, as it is here: with -cpu 1,2 it
// shows what that costs several readers.
func BenchmarkCacheHitParallel(b *testing.B) {
	c, keys, want := token.NewCache[struct{}](128<<10), only(accessKey), expect()
	texts := make([]string, 64)
	for i := range texts {
		texts[i] = mustSign(b, promoted(fmt.Sprint(i)), accessKey)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, _, err := c.ParseAccess(texts[i%len(texts)], keys, want); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
