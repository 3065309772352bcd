package session_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// hangingKeys is a store whose key table stops to answer: statements return when
// their context ends, however late that is.
type hangingKeys struct {
	session.Store
	hangs atomic.Bool
}

func (s *hangingKeys) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Keys(ctx, now)
}

func (s *hangingKeys) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	if err := s.wait(ctx); err != nil {
		return false, err
	}
	return s.Store.RetireKey(ctx, id, at)
}

func (s *hangingKeys) wait(ctx context.Context) error {
	if !s.hangs.Load() {
		return nil
	}
	<-ctx.Done()
	return errors.WithReason(errors.ErrUnavailable, ctx.Err())
}

// withKid is a token with another key id of the same length, as anybody can make it.
func withKid(t *testing.T, text, kid string) string {
	t.Helper()
	header, rest, isAccess := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	require.NoError(t, err)
	if isAccess {
		copy(raw[strings.Index(string(raw), `"kid":"`)+7:], kid)
		return base64.RawURLEncoding.EncodeToString(raw) + "." + rest
	}
	copy(raw[2:], kid)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// A token with an unknown key id holds no request for longer than OperationTimeout
// while the database hangs, on no route.
func TestUnknownKey_whileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	for name, try := range map[string]func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error{
		"refresh by cookie": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			_, err := svc.RefreshHTTP(httptest.NewRecorder(), request(t, nil, "sRefreshToken="+withKid(t, tokens.Refresh.Value, fmt.Sprint("k", i))))
			return err
		},
		"refresh by header": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			_, err := svc.RefreshHTTP(httptest.NewRecorder(),
				request(t, map[string]string{"Authorization": "Bearer " + withKid(t, tokens.Refresh.Value, fmt.Sprint("k", i))}))
			return err
		},
		"refresh with four cookies": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			var cookies []string
			for n := range 4 {
				cookies = append(cookies, "sRefreshToken="+withKid(t, tokens.Refresh.Value, fmt.Sprint("k", i, "-", n)))
			}
			_, err := svc.RefreshHTTP(httptest.NewRecorder(), request(t, nil, cookies...))
			return err
		},
		"verify by cookie": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			_, err := svc.VerifyHTTP(httptest.NewRecorder(), request(t, nil, "sAccessToken="+withKid(t, tokens.Access.Value, fmt.Sprint("k", i))))
			return err
		},
		"verify by header": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			_, err := svc.VerifyHTTP(httptest.NewRecorder(),
				request(t, map[string]string{"Authorization": "Bearer " + withKid(t, tokens.Access.Value, fmt.Sprint("k", i))}))
			return err
		},
		"sign out": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			return svc.SignOutHTTP(httptest.NewRecorder(), request(t, nil, "sAccessToken="+withKid(t, tokens.Access.Value, fmt.Sprint("k", i))))
		},
		"sign in with an old cookie": func(t *testing.T, svc *session.Service, tokens *session.Tokens, i int) error {
			_, err := svc.CreateHTTP(httptest.NewRecorder(), request(t, nil, "sAccessToken="+withKid(t, tokens.Access.Value, fmt.Sprint("k", i))), "ada")
			require.NoError(t, err, "the sign-in itself succeeds")
			return errors.ErrUnavailable
		},
		"retire a key": func(t *testing.T, svc *session.Service, _ *session.Tokens, i int) error {
			return svc.RetireKey(t.Context(), fmt.Sprint("k", i))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &hangingKeys{Store: memstore.New()}
				svc, err := session.New(t.Context(), store, session.Config{
					Logger: slog.New(slog.DiscardHandler), Cleanup: session.CleanupConfig{Every: session.Off}, OperationTimeout: timeout,
				})
				require.NoError(t, err)
				defer svc.Close()
				tokens, err := svc.Create(t.Context(), "ada")
				require.NoError(t, err)
				store.hangs.Store(true)
				var wg sync.WaitGroup
				for i := range 80 {
					wg.Go(func() {
						before := time.Now()
						err := try(t, svc, tokens, i)
						if held := time.Since(before); held > timeout {
							t.Errorf("request %d: held for %v", i, held)
						}
						if err == nil {
							t.Errorf("request %d: accepted", i)
						}
					})
				}
				wg.Wait()
				// Those who are in notice nothing.
				_, _, err = svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
				require.NoError(t, err)
				_, err = svc.Refresh(t.Context(), tokens.Refresh.Value)
				require.NoError(t, err)
			})
		})
	}
}
