package lineage

import "github.com/gin-sessionkit/sessionkit/models"

// machine is what the checker runs. The production functions decide; the other
// fields are what the store and the loops around them do. A deliberate bug
// replaces one field.
type machine struct {
	refresh func(row Row, tok Token, now, window int64) Verdict
	verify  func(row Row, tok Token, window int64) Verdict
	step    func(v Verdict, row Row, tok Token) models.Advance
	// repeats: a refresh that is granted to tok is answered with tok itself.
	repeats func(tok Token, now, window int64) bool
	// matches is the WHERE clause of the compare-and-swap.
	matches func(row rowState, step models.Advance) bool
	// reads is what a SELECT returns, given the row and how it was when the request began.
	reads func(row, began rowState) rowState
	// mintsFrom is the parent of the token that a refresh answers with.
	mintsFrom func(row rowState, tok, tokParent tokenNo) tokenNo
	// revokes: a theft ends the session.
	revokes bool
	// keepsBegan: reads looks at the row as of the request's begin.
	keepsBegan bool
}

// production is the machine without any bug.
func production() machine {
	return machine{
		refresh: OnRefresh, verify: OnUse, step: Step, repeats: Young,
		matches:   matchesLikeTheStore,
		reads:     func(row, _ rowState) rowState { return row },
		mintsFrom: func(_ rowState, tok, _ tokenNo) tokenNo { return tok },
		revokes:   true,
	}
}

// matchesLikeTheStore is the promise of session.Store's Advance.
func matchesLikeTheStore(row rowState, step models.Advance) bool {
	return row.live && hashOf(row.cur).Equal(step.From) &&
		(step.ExpectPrevious.IsZero() || hashOf(row.prev).Equal(step.ExpectPrevious))
}

// scenario bounds a search.
type scenario struct {
	name string
	// tokens and ticks bound how many tokens are minted and how long it lasts.
	tokens, ticks uint8
	// window is Config.ConcurrentRefreshWindow in milliseconds; 0 is strict mode.
	window int64

	tabs int
	// lock: tabs take turns to refresh.
	lock bool
	// eager: a tab may refresh at any time, due or not.
	eager bool
	// brisk: no request lasts into another tick, and a tab looks into the jar
	// again before it refreshes. Otherwise any request may last for any time.
	brisk bool
	// losses is how many requests or answers get lost, at any point.
	losses uint8
	// abandons: losses are requests which the client gives up while the server goes on.
	abandons bool
	// rollbacks is how many commits the database loses.
	rollbacks uint8
	// faults is how many compare-and-swaps end with their outcome unknown.
	faults uint8
	// ahead: there is a second server whose clock is far ahead.
	ahead bool
	// kills is how often the browser is killed before its cookies are on disk.
	kills uint8
	// diskLags: it may be killed and back at any time; else in the tick of the cookies,
	// and then it refreshes before the tick is over.
	diskLags bool

	thief bool
	// hoards: the thief keeps all tokens that it gets and uses any of them.
	hoards bool
	// apart: thief and victim never refresh in the same tick.
	apart bool
}

// model is a machine in a scenario.
type model struct {
	machine
	scenario
}

// moveKind is what happens between one state and the next.
type moveKind uint8

const (
	moveSend moveKind = iota
	moveSelect
	moveDecide
	moveCAS
	moveDeliver
	moveLose
	moveAbandon
	moveExpire
	moveTick
	moveSteal
	moveRollBack
	moveSave
	moveKill
)

// move names a transition; the rest of the story is in the two states.
type move struct {
	kind moveKind
	call uint8
	// fault: the connection broke at the compare-and-swap.
	fault bool
}

// emit takes a successor.
type emit func(next *world, by move)
