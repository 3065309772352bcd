package rig

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// Story makes an instance for a test that tells what happens step by step: its time
// stands still until App.Clock is moved, App.Store fails when it is told to, App.Log
// has what was logged, and it ends with the test. A clock, a store of that kind and a
// log that are given are shared with other instances. It does not serve yet.
func Story(t testing.TB, store session.Store, cfg AppConfig, change ...func(*session.Config)) *App {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = sessiontest.NewClock(time.Now().Truncate(time.Second))
	}
	if cfg.Log == nil {
		cfg.Log = &Log{}
	}
	faulty, ok := store.(*storetest.FaultyStore)
	if !ok {
		faulty = storetest.Faulty(store)
	}
	cfg.Session.Now, cfg.Session.Leeway = cfg.Clock.Now, session.Off
	cfg.Session.OperationTimeout = 30 * time.Second // databases on a busy test machine
	for _, f := range change {
		f(&cfg.Session)
	}
	a, err := New(t.Context(), faulty, cfg)
	require.NoError(t, err)
	t.Cleanup(a.Close)
	a.Store = faulty
	return a
}

// Log collects log lines. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
