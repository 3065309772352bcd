package verify_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

// forged is a token by a key of somebody's own, made just now.
func forged(t *testing.T) string {
	t.Helper()
	svc := newService(t, memstore.New())
	defer svc.Close()
	tokens, err := svc.Create(t.Context(), "eve")
	require.NoError(t, err)
	return tokens.Access.Value
}

// sure demands that the key is unknown for certain.
func sure(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errors.ErrKeyUnknown)
	require.NotErrorIs(t, err, errors.ErrUnavailable)
}

// unsure demands that nobody can say for now, and that this is told from an outage.
func unsure(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.ErrorIs(t, err, errors.ErrKeyUnknown)
}

// Whoever spends the fetch of a minute on an id of his own has nobody else refused: the
// first tokens of a new key wait for the next fetch.
func TestUnknown_fetchIsSpent(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		old := w.token(t)
		_, err := w.v.Verify(t.Context(), old)
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		_, err = w.v.Verify(t.Context(), forged(t))
		sure(t, err)
		require.EqualValues(t, 2, w.fetches.Load())

		time.Sleep(time.Second)
		require.NoError(t, w.svc.RetireKey(t.Context(), kid(t, old)))
		next := w.token(t)
		for range 58 {
			_, err = w.v.Verify(t.Context(), next)
			unsure(t, err)
			_, err = w.v.Verify(t.Context(), forged(t))
			unsure(t, err)
			time.Sleep(time.Second)
		}
		require.EqualValues(t, 2, w.fetches.Load(), "and no fetch more")
		time.Sleep(time.Second)
		_, err = w.v.Verify(t.Context(), next)
		require.NoError(t, err)
		require.EqualValues(t, 3, w.fetches.Load())
		time.Sleep(time.Second)
		_, err = w.v.Verify(t.Context(), old)
		sure(t, err)
	})
}

// What was made long before the keys were read is refused without another look: who
// comes back after days is to refresh, and not to wait.
func TestUnknown_ofLongAgo(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		stranger := forged(t)
		time.Sleep(2*time.Minute - time.Second)
		_, err := w.v.Verify(t.Context(), w.token(t))
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = w.v.Verify(t.Context(), stranger)
		unsure(t, err)
		time.Sleep(time.Minute)
		_, err = w.v.Verify(t.Context(), forged(t))
		sure(t, err)
		time.Sleep(time.Second)
		_, err = w.v.Verify(t.Context(), stranger)
		sure(t, err)
		parts := strings.Split(forged(t), ".")
		_, err = w.v.Verify(t.Context(), parts[0]+".e30."+parts[2])
		sure(t, err)
		require.EqualValues(t, 2, w.fetches.Load())
	})
}

// A fetch that had begun when the token came may be of before its key.
func TestUnknown_fetchUnderWay(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		old := w.token(t)
		w.answer = func(r *http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			jwks.Handler(w.svc).ServeHTTP(rec, r)
			time.Sleep(3 * time.Second) // on the way back
			return rec.Result(), nil
		}
		go func() { _, _ = w.v.Verify(t.Context(), old) }()
		time.Sleep(time.Second)
		require.NoError(t, w.svc.RetireKey(t.Context(), kid(t, old)))
		next := w.token(t)
		_, err := w.v.Verify(t.Context(), next)
		unsure(t, err)
		synctest.Wait()
		time.Sleep(time.Minute)
		_, err = w.v.Verify(t.Context(), next)
		require.NoError(t, err)
		require.EqualValues(t, 2, w.fetches.Load())
	})
}

// An answer that a cache has held for long may be of before the key, too.
func TestUnknown_agedAnswer(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		stale := published(t, w.svc)
		old := w.token(t)
		require.NoError(t, w.svc.RetireKey(t.Context(), kid(t, old)))
		next := w.token(t)
		w.answersWith(stale, http.Header{"Age": {"100"}})
		_, err := w.v.Verify(t.Context(), next)
		unsure(t, err)
		w.answer = nil
		time.Sleep(time.Minute)
		_, err = w.v.Verify(t.Context(), next)
		require.NoError(t, err)
	})
}

// Keys that may not be used any more say nothing, though the last fetch went well.
func TestUnknown_shortMaxStale(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		v, err := verify.New(verify.Config{
			Issuer: issuer, Audience: audience, JWKS: address, MaxStale: 10 * time.Second, Client: &http.Client{Transport: w},
		})
		require.NoError(t, err)
		text := w.token(t)
		_, err = v.Verify(t.Context(), text)
		require.NoError(t, err)
		time.Sleep(11 * time.Second)
		_, err = v.Verify(t.Context(), text)
		unsure(t, err)
		time.Sleep(49 * time.Second)
		_, err = v.Verify(t.Context(), text)
		require.NoError(t, err)
	})
}

// A token that says itself that it is over is refused, whatever its key and however old
// the answer at hand: its client refreshes.
func TestUnknown_overAnyway(t *testing.T) {
	t.Parallel()
	in(t, session.ES256, func(t *testing.T, w *world) {
		old := w.token(t)
		require.NoError(t, w.svc.RetireKey(t.Context(), kid(t, old)))
		fresh := w.token(t)
		body := published(t, w.svc)
		time.Sleep(5 * time.Hour)
		w.answersWith(body, http.Header{"Age": {"21600"}})
		_, err := w.v.Verify(t.Context(), fresh)
		require.ErrorIs(t, err, errors.ErrTokenExpired)
		time.Sleep(time.Second)
		_, err = w.v.Verify(t.Context(), old)
		sure(t, err)
	})
}

// Of many requests at the first fetch none is refused, also one that looked for keys
// before it ended and for a fetch after.
func TestUnknown_firstFetch(t *testing.T) {
	t.Parallel()
	begin := time.Now().Add(-10 * time.Minute)
	svc, err := session.New(t.Context(), memstore.New(), session.Config{
		Issuer: issuer, Audiences: []string{audience}, SigningKey: session.SigningKeyConfig{Algorithm: session.ES256},
		Now: func() time.Time { return begin },
	})
	require.NoError(t, err)
	defer svc.Close()
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	w := &world{svc: svc}
	w.answersWith(published(t, svc), http.Header{})
	for range 50 {
		v, err := verify.New(verify.Config{Issuer: issuer, Audience: audience, JWKS: address, Client: &http.Client{Transport: w}})
		require.NoError(t, err)
		var all sync.WaitGroup
		errs := make(chan error, 100)
		for range cap(errs) {
			all.Go(func() {
				_, err := v.Verify(t.Context(), tokens.Access.Value)
				errs <- err
			})
		}
		all.Wait()
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
	}
}

// published is the service's JWK Set as it is now.
func published(t *testing.T, svc *session.Service) string {
	t.Helper()
	rec := httptest.NewRecorder()
	jwks.Handler(svc).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
	require.Equal(t, http.StatusOK, rec.Code)
	return rec.Body.String()
}

// answersWith makes the answer stay the same.
func (w *world) answersWith(body string, header http.Header) {
	w.answer = func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}
