//go:build distributed

package integration_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/session"
)

var errNotToday = errors.New("the application changed its mind")

// On Vitess a Batch is one transaction in two keyspaces: the sessions lie in one, the
// feed in the other, and one commit may be carried out without the other. Whatever
// became of the hint, Done writes it.
func TestDistributedBatch(t *testing.T) {
	db := testdb.MySQL(t)
	store := rig.Migrated(t, db)
	svc, err := session.New(t.Context(), store, session.Config{
		Revocation: session.RevokeSoon, Feed: session.FeedConfig{Within: 2 * time.Second},
		OperationTimeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	defer svc.Close()

	count := func(query string) (n int) {
		require.NoError(t, db.Raw(query).Scan(&n).Error)
		return n
	}
	live := func() int { return count("SELECT COUNT(*) FROM auth_sessions WHERE revoked_at = 0") }
	hints := func() int { return count("SELECT COUNT(*) FROM auth_feed") }
	revokeAll := func(user string, end error) (*session.Batch, error) {
		batch := svc.Batch()
		return batch, db.Transaction(func(tx *gorm.DB) error {
			if _, err := batch.RevokeAll(t.Context(), store.In(tx), user); err != nil {
				return err
			}
			return end
		})
	}
	for i := range 10 {
		// A hint about one user within a second of another is not written.
		user, other := fmt.Sprint("user ", i), fmt.Sprint("other ", i)
		for range 3 {
			for _, user := range []string{user, other} {
				_, err := svc.Create(t.Context(), user)
				require.NoError(t, err)
			}
		}
		before := hints()

		batch, err := revokeAll(other, errNotToday)
		require.ErrorIs(t, err, errNotToday)
		require.Equal(t, 6, live())
		require.Equal(t, before, hints())
		require.ErrorIs(t, batch.Done(t.Context(), err), errNotToday)

		batch, err = revokeAll(user, nil)
		require.NoError(t, err)
		require.Equal(t, 3, live())
		require.Positive(t, hints())
		// As if the commit in the keyspace of the feed had been lost.
		require.NoError(t, db.Exec("DELETE FROM auth_feed").Error)
		require.NoError(t, batch.Done(t.Context(), nil))
		require.Equal(t, 1, hints())
		require.NoError(t, db.Exec("DELETE FROM auth_sessions").Error)
	}
	layout := "by user"
	if store.Sharded() {
		layout = "by home"
	}
	fmt.Printf("ROW|Vitess|%s|a batch is committed in two keyspaces or rolled back; `Done` writes a hint whose commit was lost|%s|10 of 10\n",
		layout, t.Name())
}
