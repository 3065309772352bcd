package lineage

import "github.com/gin-sessionkit/sessionkit/models"

// The model checker, in the order in which it is best read:
//
//	world_test.go       what a state is
//	machine_test.go     the functions under test and what surrounds them
//	server_test.go      the loops of Verify and Refresh, a statement at a time
//	moves_test.go       clients, the thief, time and faults
//	property_test.go    what must hold in every state
//	search_test.go      breadth-first search over all states
//	trace_test.go       counterexamples in words
//	scenario_test.go    the bounds of each search
//	model_test.go       TestStateMachineModel
//	mutant_test.go      deliberate bugs which it must find
//	proposal_test.go    other rules that were proposed, and where they fail
//	decide_*_test.go    the decision by itself: tables, differential, fuzzing
//
// A state is made of bytes alone: it is compared and hashed as memory.

// maxTokens and maxCalls bound the refresh tokens, and the requests in flight, that
// a world has room for.
const (
	maxTokens = 7
	maxCalls  = 3
)

// ticks are the model's time. A tick is longer than the window, so that two
// events are within the window exactly when they are in one tick. Where a server's
// clock is ahead, it is so by more ticks than any search lasts.
const (
	tickMillis   = 60_000
	windowMillis = 10_000
	aheadTicks   = 100
)

// tokenNo is a refresh token by the order of minting; 0 is none. Token 1 is the
// one that the session was created with.
type tokenNo uint8

// hashOf is how the production code sees a token.
func hashOf(t tokenNo) models.Hash { return models.Hash{byte(t)} }

func tokenOf(h models.Hash) tokenNo { return tokenNo(h[0]) }

// tokenSet is a set of refresh tokens.
type tokenSet uint8

func (s tokenSet) has(t tokenNo) bool         { return t != 0 && s>>(t-1)&1 == 1 }
func (s tokenSet) with(t tokenNo) tokenSet    { return s | 1<<(t-1) }
func (s tokenSet) without(t tokenNo) tokenSet { return s &^ (1 << (t - 1)) }

// rowState is the session's row, or what was read of it.
type rowState struct {
	live      bool
	cur, prev tokenNo
	iat, gen  uint8
}

func (r rowState) lineage() Row {
	return Row{
		Live: r.live, Cur: hashOf(r.cur), Prev: hashOf(r.prev),
		CurIat: int64(r.iat) * tickMillis, Gen: int64(r.gen),
	}
}

// jar is the browser's cookies, shared by its tabs.
type jar struct {
	// refresh is 0 when the user is out.
	refresh tokenNo
	// access is the refresh token that the access token was minted with.
	access tokenNo
	// pending: the access token names a parent, its first use promotes.
	pending bool
	// mustRefresh: a request was answered "try refresh token".
	mustRefresh bool
}

// thief has what was in the jar when it was stolen, and what it got since.
type thief struct {
	refresh, access tokenSet
	// own are the tokens that were minted for the thief.
	own tokenSet
	// took: the thief moved the row to a token of its own.
	took bool
}

type who uint8

const (
	victim who = iota
	theThief
)

type callKind uint8

const (
	callVerify callKind = iota
	callRefresh
)

type phase uint8

const (
	phaseNone     phase = iota
	phaseSelect         // the next statement is the SELECT
	phaseDecide         // a refresh has read the row; next it decides and acts
	phaseCAS            // the next statement of a verification is the compare-and-swap
	phaseAnswered       // the answer is on its way
)

type reply uint8

const (
	replyOK reply = iota
	replyUnchanged
	replyTryRefresh
	replyUnauthorised
	replyTheft
	replyUnavailable
)

// call is a request in flight.
type call struct {
	phase phase
	kind  callKind
	by    who
	// token is the refresh token, or the one that the access token was minted with.
	token tokenNo
	// seen is the row that the decision, or the compare-and-swap, starts from.
	seen    rowState
	verdict Verdict
	// attempts counts the rounds of the loop.
	attempts uint8
	// unknown: the outcome of the compare-and-swap was lost with the connection.
	unknown bool
	// abandoned: the client has stopped waiting, the server goes on.
	abandoned bool
	// late: the call began after the thief had taken the row.
	late bool
	// ahead: the server that has it is the one whose clock is ahead.
	ahead bool
	reply reply
	child tokenNo
	// began is the row when the call began; kept for one deliberate bug only.
	began rowState
}

// world is one state of the model: a session, its browser, requests in flight,
// and perhaps a thief.
type world struct {
	minted uint8
	parent [maxTokens]tokenNo
	iat    [maxTokens]uint8
	// expired has the tokens whose access token has expired.
	expired tokenSet
	now     uint8

	row rowState
	// used has the tokens that have been current in the row.
	used tokenSet
	// undo has the rows before the last commits, latest first.
	undo [2]rowState

	jar jar
	// disk is the jar that the browser comes back with when it is killed.
	disk  jar
	calls [maxCalls]call
	thief thief

	stolen  bool
	flagged bool // theft was reported
	slipped bool // the victim's refresh went through after the thief had taken the row
	spent   bool // an honest request was told "unavailable" though no fault explains it

	losses, rollbacks, faults, kills uint8
	// The ticks of the latest refreshes, where a scenario keeps them apart; 255 is never.
	victimTick, thiefTick uint8
}

// begin is a user who has just signed in.
func (m *model) begin() world {
	w := world{
		minted: 1, used: tokenSet(0).with(1),
		row: rowState{live: true, cur: 1},
		jar: jar{refresh: 1, access: 1}, victimTick: 255, thiefTick: 255,
	}
	if m.kills > 0 {
		w.disk = w.jar
	}
	return w
}

// clock is the time of the server that has the call.
func (w *world) clock(c *call) uint8 {
	if c.ahead {
		return w.now + aheadTicks
	}
	return w.now
}

// age is how many ticks ago a token was minted, whatever clock it was minted by.
func (w *world) age(t tokenNo) uint8 { return w.now - w.iat[t-1]%aheadTicks }

func (w *world) parentOf(t tokenNo) tokenNo {
	if t == 0 {
		return 0
	}
	return w.parent[t-1]
}

// genOf counts the ancestors of a token.
func (w *world) genOf(t tokenNo) (gen uint8) {
	for t = w.parentOf(t); t != 0; t = w.parentOf(t) {
		gen++
	}
	return gen
}

// descends reports whether t is a, or a descendant of it.
func (w *world) descends(t, a tokenNo) bool {
	for ; t != 0; t = w.parentOf(t) {
		if t == a {
			return true
		}
	}
	return false
}

// presents is what the server reads in the token.
func (w *world) presents(t tokenNo) Token {
	return Token{
		Hash: hashOf(t), Parent: hashOf(w.parent[t-1]),
		Gen: int64(w.genOf(t)), Iat: int64(w.iat[t-1]) * tickMillis,
	}
}

// inFlight reports whether any request of this client is still waited for.
func (w *world) inFlight(by who) bool {
	for i := range w.calls {
		if c := &w.calls[i]; c.phase != phaseNone && c.by == by {
			return true
		}
	}
	return false
}
