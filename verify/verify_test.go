package verify_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"go/build"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/verify"
)

const issuer, audience, address = "https://app.example", "app", "https://app.example/jwks"

// world is a service with its keys, a network to it that can break, and a verifier.
type world struct {
	svc     *session.Service
	v       *verify.Verifier
	fetches atomic.Int64
	// answer, if set, stands in for the service's.
	answer func(*http.Request) (*http.Response, error)
}

// RoundTrip implements http.RoundTripper.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.fetches.Add(1)
	if w.answer != nil {
		return w.answer(r)
	}
	rec := httptest.NewRecorder()
	jwks.Handler(w.svc).ServeHTTP(rec, r)
	return rec.Result(), nil
}

func down(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("connection refused") }

// in runs f in a bubble, whose time is the machine's to all of them.
func in(t *testing.T, a session.Algorithm, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		svc, err := session.New(t.Context(), memstore.New(), session.Config{
			Issuer: issuer, Audiences: []string{audience}, SigningKey: session.SigningKeyConfig{Algorithm: a},
			AccessTokenValidity: 4 * time.Hour, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		defer svc.Close()
		w := &world{svc: svc}
		w.v, err = verify.New(verify.Config{Issuer: issuer, Audience: audience, JWKS: address, Client: &http.Client{Transport: w}})
		require.NoError(t, err)
		f(t, w)
	})
}

func (w *world) token(t *testing.T) string {
	t.Helper()
	tokens, err := w.svc.Create(t.Context(), "ada", session.WithPayload(map[string]any{"role": "editor"}))
	require.NoError(t, err)
	return tokens.Access.Value
}

func TestVerify_reads(t *testing.T) {
	t.Parallel()
	for _, a := range []session.Algorithm{session.ES256, session.Ed25519, session.RS256} {
		in(t, a, func(t *testing.T, w *world) {
			text := w.token(t)
			for range 3 {
				who, err := w.v.Verify(t.Context(), text)
				require.NoError(t, err)
				require.Equal(t, "ada", who.UserID())
				require.NotEmpty(t, who.Handle())
				require.Equal(t, time.Now().Unix(), who.AuthTime().Unix())
				require.Equal(t, time.Now().Add(4*time.Hour).Unix(), who.ExpiresAt().Unix())
				var payload struct{ Role string }
				require.NoError(t, who.Payload(&payload))
				require.Equal(t, "editor", payload.Role)
				require.ErrorIs(t, who.Payload(new(int)), errors.ErrInvalidInput)
				require.Equal(t, "[verified token]", fmt.Sprintf("%+v", who))
			}
			require.EqualValues(t, 1, w.fetches.Load())
			other, err := verify.New(verify.Config{Issuer: issuer, Audience: "other", JWKS: address, Client: &http.Client{Transport: w}})
			require.NoError(t, err)
			_, err = other.Verify(t.Context(), text)
			require.ErrorIs(t, err, errors.ErrTokenForeign)
			_, err = w.v.Verify(t.Context(), text[:len(text)-6]+"AAAAAA")
			require.Error(t, err)
			time.Sleep(4*time.Hour + 6*time.Second)
			_, err = w.v.Verify(t.Context(), text)
			require.ErrorIs(t, err, errors.ErrTokenExpired)
		})
	}
}

// An outage of an hour is unnoticed, and its return costs one request.
func TestVerify_outage(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		text := w.token(t)
		_, err := w.v.Verify(t.Context(), text)
		require.NoError(t, err)
		w.answer = down
		for range 3600 {
			time.Sleep(time.Second)
			before := time.Now()
			_, err := w.v.Verify(t.Context(), text)
			require.NoError(t, err)
			require.Zero(t, time.Since(before))
			synctest.Wait()
		}
		require.LessOrEqual(t, w.fetches.Load(), int64(61), "one attempt a minute")
		w.answer = nil
		before := w.fetches.Load()
		for range 120 {
			time.Sleep(time.Second)
			_, err := w.v.Verify(t.Context(), text)
			require.NoError(t, err)
			synctest.Wait()
		}
		require.EqualValues(t, 1, w.fetches.Load()-before)
	})
}

// Keys that nobody could fetch again for a day are used no more: nobody can say.
func TestVerify_maxStale(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		_, err := w.v.Verify(t.Context(), w.token(t))
		require.NoError(t, err)
		w.answer = down
		time.Sleep(24*time.Hour - time.Minute)
		text := w.token(t)
		time.Sleep(2 * time.Minute)
		_, err = w.v.Verify(t.Context(), text)
		require.ErrorIs(t, err, errors.ErrUnavailable)
	})
}

// Whatever ids come, there is one fetch a minute for all, and known keys wait for none.
func TestVerify_flood(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		text := w.token(t)
		_, err := w.v.Verify(t.Context(), text)
		require.NoError(t, err)
		svc, err := session.New(t.Context(), memstore.New(), session.Config{
			Issuer: issuer, Audiences: []string{audience}, SigningKey: session.SigningKeyConfig{Algorithm: session.ES256}, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		tokens, err := svc.Create(t.Context(), "eve")
		require.NoError(t, err)
		stranger := tokens.Access.Value
		svc.Close()
		w.answer = func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			rec := httptest.NewRecorder()
			jwks.Handler(w.svc).ServeHTTP(rec, r)
			return rec.Result(), nil
		}
		for range 10 {
			time.Sleep(61 * time.Second)
			before := w.fetches.Load()
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if _, err := w.v.Verify(t.Context(), stranger); !errors.Is(err, errors.ErrKeyUnknown) || errors.Is(err, errors.ErrUnavailable) {
						t.Error(err)
					}
				})
			}
			at := time.Now()
			_, err := w.v.Verify(t.Context(), text)
			require.NoError(t, err)
			require.Zero(t, time.Since(at))
			all.Wait()
			require.EqualValues(t, 1, w.fetches.Load()-before)
			_, err = w.v.Verify(t.Context(), stranger)
			require.ErrorIs(t, err, errors.ErrKeyUnknown)
			require.EqualValues(t, 1, w.fetches.Load()-before)
		}
	})
}

// A retired key is refused from the next fetch on, two and a quarter minutes later. An
// older key signs meanwhile, or a successor, which is found by a fetch.
func TestVerify_rotation(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		old := w.token(t)
		_, err := w.v.Verify(t.Context(), old)
		require.NoError(t, err)
		for range 3 * 24 * 60 { // three rotations, a token each minute
			time.Sleep(time.Minute)
			_, err := w.v.Verify(t.Context(), w.token(t))
			require.NoError(t, err)
		}
		require.LessOrEqual(t, w.fetches.Load(), int64(3*24*60))
		old = w.token(t)
		_, err = w.v.Verify(t.Context(), old)
		require.NoError(t, err)
		require.NoError(t, w.svc.RetireKey(t.Context(), kid(t, old)))
		time.Sleep(136 * time.Second) // the keys are no longer fresh
		_, err = w.v.Verify(t.Context(), w.token(t))
		require.NoError(t, err)
		synctest.Wait()
		_, err = w.v.Verify(t.Context(), old)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
	})
}

func kid(t *testing.T, text string) string {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(header), `"kid":"`)
	require.True(t, ok)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// What is no good answer is none, within its bounds.
func TestVerify_badAnswers(t *testing.T) {
	t.Parallel()
	body := func(status int, r io.Reader) answer {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://evil.example/jwks"}}, Body: io.NopCloser(r)}, nil
		}
	}
	var large endless
	t.Cleanup(func() { // after the subtests
		require.Positive(t, large.read)
		require.Less(t, large.read, int64(2<<20), "no more was read")
	})
	for name, answer := range map[string]answer{
		"down":       down,
		"status 500": body(500, strings.NewReader(`{"keys":[]}`)),
		"a redirect": body(302, strings.NewReader("")),
		"no JSON":    body(200, strings.NewReader("<html>")),
		"an id twice": body(200, strings.NewReader(
			`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"},{"kty":"oct","kid":"a","k":"AAAA"}]}`)),
		"too large": body(200, &large),
		"hangs": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in(t, session.ES256, func(t *testing.T, w *world) {
				w.answer = answer
				text := w.token(t)
				before := time.Now()
				for range 20 {
					_, err := w.v.Verify(t.Context(), text)
					require.ErrorIs(t, err, errors.ErrUnavailable)
				}
				require.LessOrEqual(t, time.Since(before), 5*time.Second)
				require.EqualValues(t, 1, w.fetches.Load())
				w.answer = nil
				time.Sleep(time.Minute)
				_, err := w.v.Verify(t.Context(), text)
				require.NoError(t, err)
			})
		})
	}
}

// answer is what the service's address does.
type answer func(*http.Request) (*http.Response, error)

// endless is an answer without an end.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

// A caller who gives up leaves the fetch to the others.
func TestVerify_callerLeaves(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		w.answer = func(r *http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Second)
			rec := httptest.NewRecorder()
			jwks.Handler(w.svc).ServeHTTP(rec, r)
			return rec.Result(), nil
		}
		text := w.token(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.v.Verify(ctx, text)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		_, err = w.v.Verify(t.Context(), text)
		require.NoError(t, err)
		require.EqualValues(t, 1, w.fetches.Load())
	})
}

// Age counts: what a cache has held for long is fetched anew sooner.
func TestVerify_age(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cacheControl, age string
		fetches           int64 // in ten minutes
	}{
		{"max-age=135", "", 5},
		{"max-age=135", "75", 10},
		{"max-age=135", "1000", 10},
		{"public, max-age=86400", "", 2},
		{"max-age=999999999999999999999", "", 10},
		{"", "", 10},
		{"no-store", "", 10},
		{"max-age=-1", "-5", 10},
	} {
		in(t, session.ES256, func(t *testing.T, w *world) {
			w.answer = func(r *http.Request) (*http.Response, error) {
				rec := httptest.NewRecorder()
				jwks.Handler(w.svc).ServeHTTP(rec, r)
				rec.Header().Set("Cache-Control", row.cacheControl)
				rec.Header().Set("Age", row.age)
				resp := rec.Result()
				resp.Header = rec.Header()
				return resp, nil
			}
			text := w.token(t)
			for range 600 {
				_, err := w.v.Verify(t.Context(), text)
				require.NoError(t, err)
				synctest.Wait()
				time.Sleep(time.Second)
			}
			require.InDelta(t, row.fetches, w.fetches.Load(), 1, "%q %q", row.cacheControl, row.age)
		})
	}
}

func TestNew_configuration(t *testing.T) {
	t.Parallel()
	for _, cfg := range []verify.Config{
		{},
		{Issuer: "i", Audience: "a"},
		{Issuer: "i", JWKS: address},
		{Audience: "a", JWKS: address},
		{Issuer: "i", Audience: "a", JWKS: "http://app.example/jwks"},
		{Issuer: "i", Audience: "a", JWKS: "http://app.localhost/jwks"}, // which somebody may resolve elsewhere
		{Issuer: "i", Audience: "a", JWKS: "file:///etc/passwd"},
		{Issuer: "i", Audience: "a", JWKS: address, Leeway: -1},
		{Issuer: "i", Audience: "a", JWKS: address, Leeway: time.Hour},
		{Issuer: "i", Audience: "a", JWKS: address, MaxStale: -1},
	} {
		_, err := verify.New(cfg)
		require.ErrorIs(t, err, errors.ErrConfig, "%+v", cfg)
	}
	_, err := verify.New(verify.Config{Issuer: "i", Audience: "a", JWKS: "http://127.0.0.1:8080/jwks"})
	require.NoError(t, err)
}

// The package is for services that have neither Gin nor GORM.
func TestImports(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		p, err := build.ImportDir(dir, 0)
		require.NoError(t, err)
		for _, path := range p.Imports {
			require.NotContains(t, path, "gin-gonic")
			require.NotContains(t, path, "gorm")
			own, ours := strings.CutPrefix(path, "github.com/gin-sessionkit/sessionkit/")
			require.NotEqual(t, "session", own)
			if ours && !seen[own] {
				seen[own] = true
				visit("../" + own)
			}
		}
	}
	visit(".")
	require.True(t, seen["internal/token"])
}
