package integration_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// replaced is one of several that serve the same sessions. A deploy replaces it.
type replaced struct {
	mu  sync.RWMutex // held for reading by requests
	svc *session.Service
}

func (i *replaced) use(f func(*session.Service) error) error {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return f(i.svc)
}

func (i *replaced) replace(svc *session.Service) {
	i.mu.Lock()
	old := i.svc
	i.svc = svc
	i.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

// algorithmOf is what the header of a token says.
func algorithmOf(text string) string {
	data, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
	var header struct{ Alg string }
	_ = json.Unmarshal(data, &header)
	return header.Alg
}

// signers are users that go on with their sessions on all instances at once. Each token
// has ten minutes, so whoever is told to refresh was told so for its key.
type signers struct {
	instances         [3]*replaced
	verified, renewed atomic.Int64
	newest            [24]atomic.Pointer[string] // the algorithm of each user's token
}

func (s *signers) any() *replaced { return s.instances[rand.IntN(len(s.instances))] }

// run is one user's session. Any error ends it: a token that is refused is a refresh
// more, and a refresh that is refused is a logout.
func (s *signers) run(ctx context.Context, user int) error {
	var tokens *session.Tokens
	err := s.any().use(func(svc *session.Service) (err error) {
		tokens, err = svc.Create(context.WithoutCancel(ctx), fmt.Sprint("user-", user))
		return err
	})
	for round := 0; err == nil && ctx.Err() == nil; round++ {
		if round%8 == 7 {
			err = s.any().use(func(svc *session.Service) (err error) {
				tokens, err = svc.Refresh(context.WithoutCancel(ctx), tokens.Refresh.Value)
				return err
			})
			s.renewed.Add(1)
		}
		for i := 0; err == nil && i < len(s.instances); i++ {
			err = s.instances[i].use(func(svc *session.Service) error {
				_, replacement, err := svc.Verify(context.WithoutCancel(ctx), tokens.Access.Value, tokens.AntiCSRF)
				if replacement != nil {
					tokens.Access = *replacement
				}
				return err
			})
			s.verified.Add(1)
		}
		if err == nil {
			name := algorithmOf(tokens.Access.Value)
			s.newest[user].Store(&name)
		}
		time.Sleep(time.Duration(10+rand.IntN(20)) * time.Millisecond)
	}
	return err
}

// all reports whether everybody has a token of an algorithm.
func (s *signers) all(alg string) bool {
	for i := range s.newest {
		if name := s.newest[i].Load(); name == nil || *name != alg {
			return false
		}
	}
	return true
}

// Three instances change from HS256 to ES256 and back, by a deploy that replaces one
// after the other under load, and keys rotate meanwhile: no token is refused, and nobody
// is logged out.
func TestAlgorithms_changeUnderLoad(t *testing.T) {
	t.Parallel()
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		store := rig.Migrated(t, e.db(t))
		start := func(a session.Algorithm) *session.Service {
			svc, err := session.New(t.Context(), store, session.Config{
				// A key is known for four seconds before it signs.
				SigningKey:             session.SigningKeyConfig{Algorithm: a, Rotation: 12 * time.Second, Encryption: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}},
				InsecureShortLifetimes: true, AccessTokenValidity: 10 * time.Minute, OperationTimeout: 30 * time.Second, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			return svc
		}
		s := &signers{instances: [3]*replaced{{}, {}, {}}}
		for _, i := range s.instances {
			i.replace(start(session.HS256))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for user := range s.newest {
			running.Go(func() { assert.NoError(t, s.run(ctx, user)) })
		}
		for _, phase := range []struct {
			algorithm session.Algorithm
			name      string
		}{{session.HS256, "HS256"}, {session.ES256, "ES256"}, {session.HS256, "HS256"}} {
			for _, i := range s.instances {
				i.replace(start(phase.algorithm))
				time.Sleep(200 * time.Millisecond)
			}
			require.Eventually(t, func() bool { return s.all(phase.name) }, time.Minute, 50*time.Millisecond, phase.name)
		}
		cancel()
		running.Wait()
		for _, i := range s.instances {
			i.svc.Close()
		}
		t.Logf("%d verified, %d refreshed", s.verified.Load(), s.renewed.Load())
		require.Greater(t, s.verified.Load(), int64(1000))
	})
}
