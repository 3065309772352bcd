package session_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// slowly is a store whose answers take as long as the longest Config.OperationTimeout
// just bears: a hint is there long before, a write happens at the end.
type slowly struct{ session.FeedStore }

const almost = 55 * time.Second

func (s slowly) WriteHint(ctx context.Context, h models.Hint) error {
	err := s.FeedStore.WriteHint(ctx, h)
	time.Sleep(almost)
	return err
}

func (s slowly) RevokeAll(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
	time.Sleep(almost)
	return s.FeedStore.RevokeAll(ctx, r)
}

// The row is written when its hint has settled already, and those who asked meanwhile
// have been told that the session lives.
func TestRevokeSoon_slowerThanAHintWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		cfg := session.Config{Logger: slog.New(slog.DiscardHandler), Revocation: session.RevokeSoon, OperationTimeout: time.Minute}
		slow, err := session.New(t.Context(), slowly{store}, cfg)
		require.NoError(t, err)
		defer slow.Close()
		there := start(t, store)
		tokens := there.create(t, "ada")

		done := make(chan error)
		go func() {
			_, err := slow.RevokeAll(context.WithoutCancel(t.Context()), "ada")
			done <- err
		}()
		for running := true; running; {
			select {
			case err := <-done:
				require.NoError(t, err)
				running = false
			case <-time.After(time.Second):
				there.verifies(t, tokens)
			}
		}
		_, _, err = slow.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.Error(t, err)
		time.Sleep(within)
		require.False(t, there.verifies(t, tokens))
	})
}
