package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// One user asks again and again to end the others, of which there are none: that costs
// nobody else a SELECT, and fills nothing.
func TestFeed_aFloodByOneUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New(), func(cfg *session.Config) { cfg.Feed.MaxEntries = 1000 })
		eve, ada := p.create(t, "eve"), p.create(t, "ada")
		flood := func(n int) {
			for range n {
				_, err := p.RevokeOthers(t.Context(), "eve", eve.Session.Handle())
				require.NoError(t, err)
				require.True(t, p.verifies(t, ada))
				time.Sleep(100 * time.Millisecond)
			}
		}
		flood(4100) // more than there is room for ids
		p.store.Arm()
		flood(600)
		require.Equal(t, 600, p.store.Counts()["Find"], "by eve's calls, of the session to keep; by ada's requests none")
		require.Zero(t, p.count(session.EventFeedFull))
	})
}
