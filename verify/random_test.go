package verify_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/session"
)

// shaky is a network whose ways take some time and whose requests fail now and then.
type shaky struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (s *shaky) delay() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.rng.Int64N(int64(within / 5)))
}

func (s *shaky) intN(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.IntN(n)
}

// one is a session of that test.
type one struct {
	tokens *session.Tokens
	ended  time.Time // when the revoking call had returned
}

// At random moments, over a network that is slow and fails: a request that begins
// Within after the end of its session is never served while the lag is at most Within,
// and a live session never refused.
func TestEnds_random(t *testing.T) {
	t.Parallel()
	seed := testseed.New(t)
	for round := range uint64(2) {
		soon(t, func(t *testing.T, n *network) {
			s := &shaky{rng: rand.New(rand.NewPCG(seed, round))}
			n.mu.Lock()
			n.delay = s.delay
			n.mu.Unlock()
			refused, served, ended, unsure := 0, 0, 0, 0
			sessions := make([]one, 30)
			for step := range 2000 {
				time.Sleep(time.Duration(s.intN(300)) * time.Millisecond)
				switch s.intN(40) {
				case 0:
					n.breaks(down, "/feed")
				case 1:
					n.breaks(down, "/introspect")
				case 2, 3, 4, 5:
					n.breaks(nil, "/feed", "/introspect")
				}
				i := &sessions[s.intN(len(sessions))]
				switch {
				case i.tokens == nil || !i.ended.IsZero() && s.intN(10) == 0:
					*i = one{tokens: n.create(t, string(rune('a'+s.intN(5))))}
				case i.ended.IsZero() && s.intN(8) == 0:
					_, err := n.svc.Revoke(t.Context(), i.tokens.Session.Handle())
					require.NoError(t, err)
					i.ended = time.Now()
					ended++
				default:
					lag := n.v.RevocationLag()
					begun := time.Now()
					_, err := n.v.Verify(t.Context(), i.tokens.Access.Value)
					switch {
					case errors.Is(err, errors.ErrUnavailable):
						unsure++
					case err != nil:
						require.ErrorIs(t, err, errors.ErrUnauthorised)
						require.False(t, i.ended.IsZero(), "step %d: a live session was refused", step)
						refused++
					default:
						late := !i.ended.IsZero() && begun.Sub(i.ended) >= within
						require.False(t, late && lag <= within, "step %d: served %v after its end, lag %v", step, begun.Sub(i.ended), lag)
						served++
					}
				}
			}
			t.Logf("%d ended, %d refused, %d served, %d unavailable", ended, refused, served, unsure)
			require.Greater(t, min(ended, refused, served, unsure), 10)
		})
	}
}
