package histories_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// operation is one on the register that a session's row is: the current refresh
// token and whether the session is revoked.
type operation struct {
	kind    string // refresh, verify, revoke
	refresh *refreshToken
	access  *accessToken
	// faults: calls to the database were made to fail before it came back. ended: by
	// then somebody may have ended the session, and somebody has.
	faults, ended bool
}

// register is a session's row as a sequential specification. An operation whose
// answer never came, or was "unavailable", may have had its effect or not.
//
// Where calls were made to fail, two more answers are right. An operation whose
// write took effect while its answer got lost reads the row again. If another
// one has ended the session by then, it says so: unauthorised, in spite of its effect. And
// two replays of one millisecond, the revocation of one of which failed, are both told
// of the theft: rather twice than never. Neither is right in a session that lives on.
func register(first state, now int64, r rules) porcupine.Model {
	return (&porcupine.NondeterministicModel{
		Init: func() []any { return []any{first} },
		Step: func(from, input, output any) []any {
			s, op, seen := from.(state), input.(operation), output.(rig.Answer)
			next := op.apply(s, now, r)
			if seen == rig.Unavailable {
				return []any{s, next.state}
			}
			if seen == next.answer || op.faults && op.ended && spreads(seen, next.answer) {
				return []any{next.state}
			}
			return nil
		},
		Equal: func(a, b any) bool { return a.(state) == b.(state) },
		DescribeOperation: func(input, output any) string {
			return fmt.Sprint(input.(operation).kind, " -> ", output)
		},
	}).ToModel()
}

// spreads reports whether an operation that should have got want may be told
// seen instead, because a call to the database failed.
func spreads(seen, want rig.Answer) bool {
	return seen == rig.Unauthorised && want == rig.OK || seen == rig.Theft && want == rig.Unauthorised
}

func (op operation) apply(s state, now int64, r rules) outcome {
	switch op.kind {
	case "refresh":
		return s.refresh(op.refresh, now, r)
	case "verify":
		o, _ := s.verify(op.access, true, now, r)
		return o
	}
	s.revoked = true
	return outcome{answer: rig.OK, state: s}
}

// recorder collects the operations of one session and the tokens that came out.
type recorder struct {
	*env
	app   *rig.App
	begin time.Time
	l     *login

	mu        sync.Mutex
	refreshes []*refreshToken
	texts     map[*refreshToken]string
	accesses  map[*accessToken]string
	pending   []*accessToken
	history   []porcupine.Operation
	calm      bool // no call is made to fail
	faults    bool // some were
}

// Any number of clients with any of the tokens at once, failing calls among
// them: the answers of each session are those of one register, in some order
// that agrees with real time.
func TestRegister_Linearizable(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e *env) {
		random := testseed.Random(t)
		operations := 0
		for _, w := range []time.Duration{0, window} {
			app, err := e.start(t.Context(), w)
			require.NoError(t, err)
			for range e.rounds() {
				operations += e.round(t, app, rules{window: w.Milliseconds(), idle: idleValidity.Milliseconds()}, random)
			}
			app.Close()
		}
		t.Logf("%s: %d operations, every session linearizable: %s", e.name, operations, e.tally)
		if operations >= enoughOperations {
			for _, what := range []string{"refresh: ok", "refresh: theft", "verify: ok", "revoke: ok", "calm session", "session that ended", "call failed"} {
				require.NotZero(t, e.tally[what], "never in %d operations: %s", operations, what)
			}
		}
	})
}

// enoughOperations are sure to contain everything.
const enoughOperations = 1000

// rounds is how many sessions are recorded per mode: in proportion to the
// histories asked for.
func (e *env) rounds() int { return max(1, checks()/e.share/4) }

// round records one session and checks it. In every other one on average, no
// call is made to fail.
func (e *env) round(t *testing.T, app *rig.App, r rules, random *rand.Rand) int {
	t.Helper()
	rec := e.newRecorder(t, app)
	rec.calm = random.IntN(2) == 0
	first, seed := rec.l.states[0], random.Uint64()
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			for range 8 {
				rec.act(t, client, random)
			}
		})
	}
	clients.Wait()
	e.store.Arm()
	rec.mark(t)
	result := porcupine.CheckOperationsTimeout(register(first, e.clock.Now().UnixMilli(), r), rec.history, time.Minute)
	require.Equal(t, porcupine.Ok, result, "%s", rec.describe())
	return len(rec.history)
}

// mark notes for every operation whether the session may have ended before the
// operation came back. Only one that was revoked may have: the row knows.
func (rec *recorder) mark(t *testing.T) {
	t.Helper()
	row, err := rec.store.Find(t.Context(), rec.l.handle)
	require.NoError(t, err)
	end := int64(math.MaxInt64)
	for _, op := range rec.history {
		in, seen := op.Input.(operation), op.Output.(rig.Answer)
		rec.tally.answered(in.kind, seen)
		if in.kind == "revoke" || seen == rig.Theft || in.kind == "refresh" && seen == rig.Unavailable {
			end = min(end, op.Call)
		}
	}
	for i, op := range rec.history {
		in := op.Input.(operation)
		in.ended = row.RevokedAt != 0 && op.Return > end
		rec.history[i].Input = in
	}
	if rec.calm {
		rec.tally["calm session"]++
	}
	if row.RevokedAt != 0 {
		rec.tally["session that ended"]++
	}
}

func (e *env) newRecorder(t *testing.T, app *rig.App) *recorder {
	t.Helper()
	rec := &recorder{
		env: e, app: app, begin: time.Now(), l: &login{},
		texts: map[*refreshToken]string{}, accesses: map[*accessToken]string{},
	}
	r := rig.Request{Method: http.MethodPost, Path: "/login?user=u", Header: http.Header{"St-Auth-Mode": {"header"}}}
	reply, err := e.client.Do(t.Context(), app.URL, r)
	require.NoError(t, err)
	require.Equal(t, rig.OK, reply.Answer())
	now := e.clock.Now().UnixMilli()
	_, refresh, _ := tokensOf(reply)
	token := &refreshToken{session: rec.l, iat: now}
	rec.texts[token], rec.refreshes = refresh, []*refreshToken{token}
	access, _, _ := tokensOf(reply)
	rec.l.handle = rig.ReadClaims(access).Handle
	rec.l.states = []state{{cur: token, curIat: now, ends: rules{idle: idleValidity.Milliseconds()}.end(now)}}
	e.clock.Advance(window + time.Second) // so that the first token is young no more
	return rec
}

// choose picks an operation: mostly with the newest tokens, at times with any.
func (rec *recorder) choose(random *rand.Rand) (operation, rig.Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	header := http.Header{"St-Auth-Mode": {"header"}}
	dice := random.IntN(100)
	switch {
	case dice < 45 && len(rec.pending) > 0:
		a := rec.pending[len(rec.pending)-1-back(random, len(rec.pending))]
		header.Set("Authorization", "Bearer "+rec.accesses[a])
		return operation{kind: "verify", access: a}, rig.Request{Method: http.MethodGet, Path: "/strict", Header: header}
	case dice < 99:
		token := rec.refreshes[len(rec.refreshes)-1-back(random, len(rec.refreshes))]
		header.Set("Authorization", "Bearer "+rec.texts[token])
		return operation{kind: "refresh", refresh: token}, rig.Request{Method: http.MethodPost, Path: rig.RefreshPath, Header: header}
	}
	return operation{kind: "revoke"}, rig.Request{}
}

// back is how far from the end to reach: seldom far, since the reuse of an old
// token ends the session and all that could be seen in it.
func back(random *rand.Rand, n int) int { return min(n-1, max(0, random.IntN(24)-20)) }

// act does one operation and records it.
func (rec *recorder) act(t *testing.T, client int, random *rand.Rand) {
	op, r := rec.choose(random)
	if !rec.calm && random.IntN(20) == 0 {
		rec.fail(random)
	}
	call := time.Since(rec.begin)
	seen, reply := rec.perform(t.Context(), op, r)
	end := time.Since(rec.begin)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if seen == rig.Unavailable {
		end = time.Hour // it may still have its effect
	}
	op.faults = rec.faults
	rec.history = append(rec.history, porcupine.Operation{
		ClientId: client, Input: op, Output: seen, Call: call.Nanoseconds(), Return: end.Nanoseconds(),
	})
	if op.kind == "refresh" && seen == rig.OK {
		rec.keep(op.refresh, reply)
	}
}

// fail makes one of the next calls to the database fail, whosever it is.
func (rec *recorder) fail(random *rand.Rand) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.faults = true
	rec.tally["call failed"] += rec.store.Fired()
	rec.store.Arm(storetest.Fault{
		Call: 1, Method: []string{"Find", "Advance", "Revoke"}[random.IntN(3)],
		Mode: []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter}[random.IntN(2)],
	})
}

func (rec *recorder) perform(ctx context.Context, op operation, r rig.Request) (rig.Answer, rig.Reply) {
	if op.kind == "revoke" {
		if _, err := rec.app.Svc.Revoke(ctx, rec.l.handle); err != nil {
			return rig.Unavailable, rig.Reply{}
		}
		return rig.OK, rig.Reply{}
	}
	reply, err := rec.client.Do(ctx, rec.app.URL, r)
	if err != nil {
		return rig.Unavailable, rig.Reply{}
	}
	return reply.Answer(), reply
}

func (rec *recorder) keep(parent *refreshToken, reply rig.Reply) {
	access, refresh, _ := tokensOf(reply)
	if refresh == rec.texts[parent] {
		return // repeated: nothing that waits for its first use
	}
	token := &refreshToken{session: rec.l, parent: parent, gen: parent.gen + 1, iat: rec.clock.Now().UnixMilli()}
	a := &accessToken{refresh: token, pending: true, expires: rig.ReadClaims(access).Expires}
	rec.texts[token], rec.accesses[a] = refresh, access
	rec.refreshes, rec.pending = append(rec.refreshes, token), append(rec.pending, a)
}

func (rec *recorder) describe() string {
	var text strings.Builder
	for _, op := range rec.history {
		in := op.Input.(operation)
		fmt.Fprintf(&text, "\n%d [%d %d] %s %p %p -> %s; faults %v, ended %v", op.ClientId, op.Call, op.Return,
			in.kind, in.refresh, in.access, op.Output, in.faults, in.ended)
	}
	return text.String()
}
