package sessiontest_test

import (
	"testing"

	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	sessiontest.RunStore(t, func(*testing.T) session.Store { return sessiontest.NewStore() })
}
