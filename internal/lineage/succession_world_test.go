package lineage

import (
	"strconv"

	"github.com/gin-sessionkit/sessionkit/models"
)

// The second model: a session and those that continue it. Its files are best read in
// this order:
//
//	succession_world_test.go     what a state is, and what surrounds the functions
//	succession_server_test.go    the calls of package session, a statement at a time
//	succession_moves_test.go     clients, the thief, time and faults
//	succession_property_test.go  what must hold in every state
//	succession_trace_test.go     counterexamples in words
//	succession_model_test.go     the bounds, and TestSuccessionModel
//	succession_mutant_test.go    deliberate bugs, and proposals that fail
//
// Promotions are one step here, as the first model walks through their statements.

const (
	maxLine  = 4
	maxPairs = 7
	// paceMillis is a tick: longer than Overlap, so that two events are within that
	// exactly when they are in one tick.
	paceMillis = 2 * Overlap
)

// sessNo is a session by the order of creation; 1 is the sign-in's, 0 is none.
type sessNo uint8

func (n sessNo) handle() string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n))
}

func sessOf(handle string) sessNo {
	n, _ := strconv.Atoi(handle)
	return sessNo(n)
}

// fate is what became of a session.
type fate uint8

const (
	absent fate = iota
	living
	replaced
	signedOut
	revokedAll
	stolenFrom
)

func (f fate) reason() models.RevokeReason {
	return [...]models.RevokeReason{
		"", "", models.RevokedByReplacement, models.RevokedBySignOut, models.RevokedByRevokeAll, models.RevokedByTheft,
	}[f]
}

// lineRow is a row of the sessions table.
type lineRow struct {
	fate    fate
	pending bool
	// origin is the session that this one continues; of a replaced one, who took its place.
	origin    sessNo
	endedAt   uint8
	cur, prev tokenNo
	gen       uint8
}

func (r lineRow) session() *models.Session {
	if r.fate == absent {
		return nil
	}
	s := &models.Session{Origin: r.origin.handle(), RevokeReason: r.fate.reason()}
	if r.fate != living {
		s.RevokedAt = int64(r.endedAt)*paceMillis + 1
	}
	return s
}

// pairJar is the browser's cookies. The access token may be of another session than
// the refresh token: an answer of the old one may come late.
type pairJar struct {
	refresh, access tokenNo
	// promote and rep: the access token names a parent, or a session to replace.
	promote, rep bool
	mustRefresh  bool
}

type lineKind uint8

const (
	lineUse lineKind = iota
	lineRefresh
	lineReplace
	lineSignOut
)

// linePhase is the statement that comes next.
type linePhase uint8

const (
	lineNone linePhase = iota
	linePromote
	lineAlive
	lineTake
	lineLook
	lineConfirm
	lineEndSelf
	lineAsk
	lineRead
	lineInsert
	lineRevoke
	lineFind
	lineDecide
	lineAnswered
)

type lineReply uint8

const (
	lineOK lineReply = iota
	// lineShared: the use passes, and the client keeps its token.
	lineShared
	lineTokens
	lineTryRefresh
	// lineKeep: refused, and nothing is cleared.
	lineKeep
	lineCleared
	lineBusy
)

// lineCall is a request in flight.
type lineCall struct {
	phase linePhase
	kind  lineKind
	by    who
	token tokenNo
	rep   bool
	// once: a Replace that ends the old session before it is answered.
	once bool
	// beside is the session of the access cookie beside a refresh token.
	beside sessNo
	// next is the pending session that takes a place, at the one that is looked at, and
	// taken the tick in which that took its own, plus 1.
	next, at sessNo
	taken    uint8
	// seen is what a refresh decides on; shared: its session stays pending, and tail has
	// its place.
	seen     lineRow
	shared   bool
	tail     sessNo
	attempts uint8
	reply    lineReply
	child    tokenNo
	childRep bool
}

// line is one state of the model.
type line struct {
	minted   uint8
	of       [maxPairs]sessNo
	parent   [maxPairs]tokenNo
	bornIn   [maxPairs]uint8
	reps     tokenSet // tokens whose access token was minted with rep
	expired  tokenSet
	now      uint8
	sessions uint8
	rows     [maxLine]lineRow
	made     [maxLine]sessNo // what each was made from, as its access token says
	jar      pairJar
	calls    [2]lineCall

	thiefRefresh, thiefAccess tokenSet
	stolen                    bool
	flagged, alarm, spent     bool
	// over: the user signed out, somebody ended all, or a theft was found.
	over bool
	// leaving: the user asked to be signed out.
	leaving bool
	losses  uint8
}

func (w *line) row(n sessNo) *lineRow { return &w.rows[n-1] }

func (w *line) presents(t tokenNo) Token {
	gen := int64(0)
	for p := w.parent[t-1]; p != 0; p = w.parent[p-1] {
		gen++
	}
	return Token{Hash: hashOf(t), Parent: hashOf(w.parent[t-1]), Gen: gen, Iat: int64(w.bornIn[t-1]) * paceMillis}
}

func (w *line) millis() int64 { return int64(w.now)*paceMillis + 1 }

// lineMachine is what the checker runs. A deliberate bug replaces one field.
type lineMachine struct {
	succession func(next string, p Predecessor, taken, now, overlap int64) Succession
	// live is what a refresh takes for a live row.
	live func(r lineRow) bool
	// ends is the WHERE clause of Revoke.
	ends func(r lineRow) bool
	// belongs: a refresh token of one session may come beside the access cookie of
	// another one that lives.
	belongs func(refresh, access Member) bool
	// overlap is for what kind of request another may have taken the place.
	overlap func(kind lineKind) int64
	// confirmFirst clears the flag before the predecessor is ended.
	confirmFirst bool
	// endsAtMint ends the origin before anybody has the answer.
	endsAtMint bool
	// endsPending: a use of the old session ends what was made to replace it.
	endsPending bool
	// clears: a session that was replaced is answered like one that was ended.
	clears bool
	// forgets: signing out of a replaced session is a success.
	forgets bool
	// unproven: whoever has an access token may replace.
	unproven bool
	// unchecked: a pending session that has ended takes a place too.
	unchecked bool
	// listing is the proposal without a link from a session to who took its place: the
	// others that live are ended.
	listing bool
}

func lineProduction() lineMachine {
	return lineMachine{
		succession: OnSuccession,
		live:       func(r lineRow) bool { return r.fate == living },
		ends:       func(r lineRow) bool { return r.fate == living },
		belongs:    Kin,
		overlap: func(kind lineKind) int64 {
			if kind == lineSignOut {
				return 0
			}
			return Overlap
		},
	}
}

// lineScenario bounds a search.
type lineScenario struct {
	name             string
	pairs, ticks     uint8
	line             uint8 // sessions, the first included
	tabs             int
	eager            bool
	brisk            bool
	lock             bool // tabs take turns to refresh
	turns            bool // a refresh and a Replace never run at once either
	losses           uint8
	asks             bool // RevokeImmediately
	mixed            bool // some of a Replace are at once
	apart            bool // never two of a Replace under way
	atOnce           bool
	signOut, endsAll bool
	thief, anyJar    bool
}

type lineModel struct {
	lineMachine
	lineScenario
}

// begin is a user who has just signed in.
func (m *lineModel) begin() line {
	w := line{minted: 1, sessions: 1, jar: pairJar{refresh: 1, access: 1}}
	w.of[0] = 1
	w.rows[0] = lineRow{fate: living, cur: 1}
	return w
}
