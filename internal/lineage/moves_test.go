package lineage

import "math/bits"

// successors emits every state that can follow w.
func (m *model) successors(w *world, out func(next *world, by move)) {
	m.victimSends(w, out)
	if m.thief {
		m.steal(*w, out)
		m.thiefSends(w, out)
	}
	for i := range w.calls {
		switch w.calls[i].phase {
		case phaseNone:
		case phaseAnswered:
			m.deliver(*w, i, out)
			m.lose(*w, i, out)
		default:
			m.serve(w, i, out)
			m.lose(*w, i, out)
		}
	}
	m.passTime(w, out)
	m.rollBack(*w, out)
	m.kill(*w, out)
}

// victimSends: a tab uses its access token, or refreshes once that is due, or
// whenever it pleases. An access token that needs no promotion is left out: its use
// reads and writes nothing.
func (m *model) victimSends(w *world, out emit) {
	waiting, refreshing := 0, false
	for i := range w.calls {
		if c := &w.calls[i]; c.phase != phaseNone && c.by == victim && !c.abandoned {
			waiting++
			refreshing = refreshing || c.kind == callRefresh
		}
	}
	if waiting == m.tabs || w.jar.refresh == 0 {
		return
	}
	due := w.jar.mustRefresh || w.expired.has(w.jar.access)
	if !due && w.jar.pending {
		m.send(*w, call{kind: callVerify, by: victim, token: w.jar.access}, out)
	}
	if (due || m.eager) && !(m.lock && refreshing) && !(m.apart && w.thiefTick == w.now) {
		m.send(*w, call{kind: callRefresh, by: victim, token: w.jar.refresh}, out)
	}
}

// thiefSends: one request at a time, whenever it pleases, with the latest token or any of them.
func (m *model) thiefSends(w *world, out emit) {
	if !w.stolen || !w.row.live || w.inFlight(theThief) {
		return
	}
	if !(m.apart && (w.victimTick == w.now || w.inFlight(victim))) {
		m.thiefUses(w, w.thief.refresh, callRefresh, out)
	}
	m.thiefUses(w, w.thief.access, callVerify, out)
}

func (m *model) thiefUses(w *world, tokens tokenSet, kind callKind, out emit) {
	for t := tokenNo(bits.Len8(uint8(tokens))); t > 0; t-- {
		if !tokens.has(t) || kind == callVerify && (w.expired.has(t) || w.parentOf(t) == 0) {
			continue
		}
		m.send(*w, call{kind: kind, by: theThief, token: t}, out)
		if !m.hoards {
			return
		}
	}
}

// send puts c into a free slot, at the statement that it begins with, on any server.
func (m *model) send(w world, c call, out emit) {
	i := 0
	for i < m.slots() && w.calls[i].phase != phaseNone {
		i++
	}
	if i == m.slots() {
		return
	}
	c.phase = phaseSelect
	if c.kind == callVerify {
		// The optimistic start of Service.promote: as if the parent had been read as current.
		c.phase, c.verdict, c.seen = phaseCAS, Advance, rowState{cur: w.parentOf(c.token)}
	}
	c.late = c.by == victim && c.kind == callRefresh && w.thief.took
	if m.keepsBegan {
		c.began = w.row
	}
	if m.apart && c.kind == callRefresh {
		if c.by == victim {
			w.victimTick = w.now
		} else {
			w.thiefTick = w.now
		}
	}
	w.calls[i] = c
	out(&w, move{kind: moveSend, call: uint8(i)})
	if m.ahead && c.kind == callRefresh { // a verification asks no clock but for its token's expiry
		w.calls[i].ahead = true
		out(&w, move{kind: moveSend, call: uint8(i)})
	}
}

// slots is how many requests may be in flight.
func (m *model) slots() int { return max(2, m.tabs) }

// deliver hands the answer to the browser. The last answer wins, as with cookies.
func (m *model) deliver(w world, i int, out emit) {
	c := w.calls[i]
	w.calls[i] = call{}
	switch c.reply {
	case replyOK:
		if c.kind == callRefresh {
			w.jar = jar{refresh: c.child, access: c.child, pending: c.child != c.token}
		} else if w.jar.refresh != 0 {
			w.jar.access, w.jar.pending, w.jar.mustRefresh = c.token, false, false
		}
	case replyTryRefresh:
		if !m.brisk || w.jar.access == c.token {
			w.jar.mustRefresh = true
		}
	case replyUnauthorised, replyTheft:
		w.jar = jar{}
	case replyUnchanged, replyUnavailable:
	}
	out(&w, move{kind: moveDeliver, call: uint8(i)})
}

// lose ends a request of the victim wherever it is: on its way to the server,
// between two statements (the server died), or on its way back. Or the client stops
// waiting for it, and the server goes on.
func (m *model) lose(w world, i int, out emit) {
	if w.losses == m.losses || w.calls[i].by != victim || w.calls[i].abandoned {
		return
	}
	w.losses++
	if m.abandons && w.calls[i].phase != phaseAnswered {
		abandoned := w
		abandoned.calls[i].abandoned = true
		out(&abandoned, move{kind: moveAbandon, call: uint8(i)})
	}
	w.calls[i] = call{}
	out(&w, move{kind: moveLose, call: uint8(i)})
}

// passTime: the clock ticks, and access tokens expire in any later tick than
// their first.
func (m *model) passTime(w *world, out emit) {
	if m.brisk && (w.inFlight(victim) || w.inFlight(theThief)) {
		return
	}
	if !m.diskLags && w.kills > 0 && w.jar.mustRefresh {
		return // it refreshes as soon as it is back
	}
	if t := w.jar.access; t != 0 && !w.expired.has(t) && w.age(t) > 0 {
		next := *w
		next.expired = next.expired.with(t)
		out(&next, move{kind: moveExpire})
	}
	if w.now+1 < m.ticks {
		next := *w
		next.now++
		if m.kills > 0 && !m.diskLags {
			next.disk = next.jar
		}
		out(&next, move{kind: moveTick})
	}
}

func (m *model) steal(w world, out emit) {
	if w.stolen || w.jar.refresh == 0 {
		return
	}
	w.stolen = true
	w.thief.refresh = w.thief.refresh.with(w.jar.refresh)
	w.thief.access = w.thief.access.with(w.jar.access)
	out(&w, move{kind: moveSteal})
}

// rollBack: the database comes back without its last commit. One that loses a
// revocation is no subject: nothing is left to tell that there was one.
func (m *model) rollBack(w world, out emit) {
	if w.rollbacks == m.rollbacks || !w.row.live || w.undo[0] == (rowState{}) {
		return
	}
	w.rollbacks++
	if w.thief.own.has(w.row.cur) && !w.thief.own.has(w.undo[0].cur) {
		w.thief.took = false
		for i := range w.calls {
			w.calls[i].late = false
		}
	}
	w.used = w.used.without(w.row.cur).with(w.undo[0].cur)
	w.row = w.undo[0]
	w.undo[0], w.undo[1] = w.undo[1], rowState{}
	out(&w, move{kind: moveRollBack})
}

// kill: the browser dies and comes back with the cookies that it had on disk. What it
// had asked for goes on without it. At any time before, it may have written them.
func (m *model) kill(w world, out emit) {
	if w.kills == m.kills || w.jar == w.disk || w.jar.refresh == 0 {
		return
	}
	saved := w
	saved.disk = w.jar
	out(&saved, move{kind: moveSave})
	w.kills++
	w.jar = w.disk
	w.jar.mustRefresh = !m.diskLags
	if w.kills == m.kills {
		w.disk = jar{}
	}
	for i := range w.calls {
		switch c := &w.calls[i]; {
		case c.by != victim || c.phase == phaseNone:
		case c.phase == phaseAnswered:
			*c = call{}
		default:
			c.abandoned = true
		}
	}
	out(&w, move{kind: moveKill})
}
