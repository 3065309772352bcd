package lineage

import "github.com/gin-sessionkit/sessionkit/models"

// serve takes the server's next step in call i: one statement, with what is
// decided from its result. Between two steps of a call anything else may happen.
func (m *model) serve(w *world, i int, out emit) {
	switch c := &w.calls[i]; {
	case c.phase == phaseSelect && c.kind == callRefresh:
		m.refreshSelect(*w, i, out)
	case c.phase == phaseDecide:
		m.refreshAct(w, i, out)
	case c.phase == phaseCAS:
		m.verifyCAS(w, i, out)
	case c.phase == phaseSelect:
		m.verifySelect(*w, i, out)
	}
}

// refreshSelect is Find in Service.refresh and in Service.advance.
func (m *model) refreshSelect(w world, i int, out emit) {
	c := &w.calls[i]
	c.seen = m.reads(w.row, c.began)
	if c.unknown {
		c.unknown = false
		if c.seen.live && c.seen.cur == c.token {
			m.answer(w, i, move{kind: moveSelect, call: uint8(i)}, out)
			return
		}
	}
	if c.phase = phaseDecide; c.attempts == MaxAttempts {
		m.finish(&w, i, replyUnavailable)
	}
	out(&w, move{kind: moveSelect, call: uint8(i)})
}

// refreshAct is one round of the loop in Service.refresh: decide on the row as
// it was read, and act on the row as it is now.
func (m *model) refreshAct(before *world, i int, out emit) {
	w := *before
	c := &w.calls[i]
	by := move{kind: moveDecide, call: uint8(i)}
	c.attempts++
	v := m.refresh(c.seen.lineage(), w.presents(c.token), int64(w.clock(c))*tickMillis, m.window)
	switch v {
	case Mint, Repeat:
		if v == Mint {
			m.mint(w, i, by, out)
		} else {
			m.repeat(w, i, by, out)
		}
		if w.row != c.seen {
			// When the idle end is due to be moved, that statement finds out.
			c.phase, c.seen = phaseSelect, rowState{}
			out(&w, by)
		}
	case MintSibling:
		m.mint(w, i, by, out)
	case Advance, FastForward, Swap:
		step := m.step(v, c.seen.lineage(), w.presents(c.token))
		m.compareAndSwap(w, i, step, by, out, func(w world) { m.answer(w, i, by, out) })
	case Theft:
		m.endAsTheft(&w, i)
		out(&w, by)
	default:
		m.finish(&w, i, replyUnauthorised)
		out(&w, by)
	}
}

// endAsTheft is one round of Service.endAsTheft: if the row is as it was judged, of all
// that see a theft, one revokes and reports it. Else it is read and judged again.
func (m *model) endAsTheft(w *world, i int) {
	c := &w.calls[i]
	if !w.row.live || w.row.cur != c.seen.cur && c.attempts < MaxAttempts {
		c.phase, c.seen = phaseSelect, rowState{}
		return
	}
	w.flagged = true
	if m.revokes {
		w.row.live = false
	}
	m.finish(w, i, replyTheft)
}

// verifyCAS is Service.promote's UPDATE. The first one comes before any reading.
func (m *model) verifyCAS(before *world, i int, out emit) {
	w := *before
	c := &w.calls[i]
	by := move{kind: moveCAS, call: uint8(i)}
	if c.attempts == 0 && w.expired.has(c.token) {
		m.finish(&w, i, replyTryRefresh)
		out(&w, by)
		return
	}
	c.attempts++
	step := m.step(c.verdict, c.seen.lineage(), w.presents(c.token))
	m.compareAndSwap(w, i, step, by, out, func(w world) {
		m.finish(&w, i, replyOK)
		out(&w, by)
	})
}

// verifySelect is the re-reading in Service.advance and the decision on it.
func (m *model) verifySelect(w world, i int, out emit) {
	c := &w.calls[i]
	row := m.reads(w.row, c.began)
	v := m.verify(row.lineage(), w.presents(c.token), m.window)
	if c.unknown && row.live && row.cur == c.token {
		v = Confirmed
	}
	c.unknown = false
	switch v {
	case Advance, FastForward:
		if c.seen, c.verdict, c.phase = row, v, phaseCAS; c.attempts == MaxAttempts {
			m.finish(&w, i, replyUnavailable)
		}
	case Confirmed:
		m.finish(&w, i, replyOK)
	case Accept:
		m.finish(&w, i, replyUnchanged)
	case TryRefresh:
		m.finish(&w, i, replyTryRefresh)
	default:
		m.finish(&w, i, replyUnauthorised)
	}
	out(&w, move{kind: moveSelect, call: uint8(i)})
}

// compareAndSwap carries step out and goes on with applied, or with reading the
// row again. Its outcome may also get lost, after it was applied or before.
func (m *model) compareAndSwap(w world, i int, step models.Advance, by move, out emit, applied func(world)) {
	missed := w
	again := &missed.calls[i]
	again.phase, again.seen, again.verdict = phaseSelect, rowState{}, Unauthorised
	matches := m.matches(w.row, step)
	if matches {
		m.commit(&w, i, step)
		applied(w)
	} else {
		out(&missed, by)
	}
	if w.faults == m.faults {
		return
	}
	by.fault = true
	missed.faults++
	again.unknown = true
	out(&missed, by)
	if matches {
		m.commit(&missed, i, step)
		out(&missed, by)
	}
}

func (m *model) commit(w *world, i int, step models.Advance) {
	if m.rollbacks > 0 {
		w.undo[1], w.undo[0] = w.undo[0], w.row
	}
	to := tokenOf(step.To)
	w.row = rowState{
		live: w.row.live, cur: to, prev: tokenOf(step.Previous),
		iat: uint8(step.IssuedAt / tickMillis), gen: uint8(step.Generation),
	}
	w.used = w.used.with(to)
	if w.calls[i].by == theThief && w.thief.own.has(to) {
		w.thief.took = true
	}
}

// answer is what a refresh is answered with whose token has become the current one.
func (m *model) answer(w world, i int, by move, out emit) {
	c := &w.calls[i]
	if m.repeats(w.presents(c.token), int64(w.clock(c))*tickMillis, m.window) {
		m.repeat(w, i, by, out)
	} else {
		m.mint(w, i, by, out)
	}
}

// repeat answers a refresh with the token that it came with.
func (m *model) repeat(w world, i int, by move, out emit) {
	w.calls[i].child = w.calls[i].token
	m.finish(&w, i, replyOK)
	out(&w, by)
}

// mint answers a refresh with a new token. Where the bound on tokens is
// reached, the search goes no further.
func (m *model) mint(w world, i int, by move, out emit) {
	if w.minted == m.tokens {
		return
	}
	c := &w.calls[i]
	w.parent[w.minted] = m.mintsFrom(c.seen, c.token, w.parentOf(c.token))
	w.iat[w.minted] = w.clock(c)
	w.minted++
	c.child = tokenNo(w.minted)
	m.finish(&w, i, replyOK)
	out(&w, by)
}

// finish sends the answer. The thief has it at once, and nobody waits for that
// of an abandoned call.
func (m *model) finish(w *world, i int, a reply) {
	c := &w.calls[i]
	if c.by == victim && a == replyUnavailable {
		w.spent = true
	}
	switch {
	case c.by == theThief:
		w.takeForThief(c, a)
		*c = call{}
	case c.abandoned:
		*c = call{}
	default:
		if c.kind == callRefresh && c.late && a == replyOK {
			w.slipped = true
		}
		// The rest has served its purpose: states that differ in it alone are one.
		*c = call{phase: phaseAnswered, kind: c.kind, by: c.by, token: c.token, reply: a, child: c.child}
	}
}

// takeForThief gives the thief what a call of its was answered with. A token that is
// repeated beyond its window is as good as one of its own: it lives on with that.
func (w *world) takeForThief(c *call, a reply) {
	if a != replyOK || c.kind != callRefresh {
		return
	}
	t := &w.thief
	t.refresh, t.access = t.refresh.with(c.child), t.access.with(c.child)
	switch {
	case c.child != c.token:
		t.own = t.own.with(c.child)
	case w.age(c.token) > 0:
		t.took = true
	}
}
