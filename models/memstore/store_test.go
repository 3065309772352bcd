package memstore_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// The store imports no session, so that it is said here.
var _ session.FeedStore = (*memstore.Store)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return memstore.New() })
}

func TestShardedStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return memstore.NewSharded() })
}
