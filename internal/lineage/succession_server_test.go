package lineage

type emitLine func(next *line, by move)

// serveLine takes the server's next step in call i.
func (m *lineModel) serveLine(w line, i int, out emitLine) {
	c := &w.calls[i]
	by := move{kind: moveSelect, call: uint8(i)}
	switch c.phase {
	case linePromote:
		m.linePromotes(&w, c)
	case lineAlive:
		m.looksAtItself(&w, c)
	case lineTake:
		m.takes(&w, c)
	case lineLook:
		m.looks(&w, c)
	case lineConfirm:
		m.confirms(&w, c)
	case lineEndSelf:
		m.end(&w, c.next, revokedAll, 0)
		if c.kind == lineReplace && c.child != 0 {
			m.refuses(&w, c, *w.row(w.of[c.token-1])) // at once
		} else {
			m.answers(&w, c, lineCleared)
		}
	case lineAsk:
		if r := w.row(w.of[c.token-1]); r.fate == living {
			m.admitted(&w, c)
		} else {
			m.refuses(&w, c, *r)
		}
	case lineRead:
		if r := w.row(w.of[c.token-1]); r.fate == living {
			c.phase = lineInsert
		} else {
			m.refuses(&w, c, *r)
		}
	case lineInsert:
		if w.sessions == m.line || w.minted == m.pairs {
			return // the bound
		}
		m.inserts(&w, c)
	case lineRevoke:
		m.signsOut(&w, c)
	case lineFind:
		m.finds(&w, c)
	case lineDecide:
		if !m.decides(&w, c) {
			return // the bound
		}
	default:
		return
	}
	out(&w, by)
}

// end is Store.Revoke; it reports whether it ended the session.
func (m *lineModel) end(w *line, n sessNo, as fate, by sessNo) bool {
	r := w.row(n)
	if !m.ends(*r) {
		return false
	}
	r.fate, r.endedAt = as, w.now
	if by != 0 {
		r.origin = by
	}
	return true
}

func (m *lineModel) linePromotes(w *line, c *lineCall) {
	n := w.of[c.token-1]
	r, tok := w.row(n), w.presents(c.token)
	switch v := OnUse(m.lineageOf(r), tok, 0); v {
	case Advance, FastForward:
		r.prev, r.cur, r.gen = w.parent[c.token-1], c.token, uint8(tok.Gen)
		m.endPendingOf(w, n)
		m.promoted(w, c)
	case Confirmed:
		m.endPendingOf(w, n)
		m.promoted(w, c)
	case TryRefresh:
		m.answers(w, c, lineTryRefresh)
	default:
		m.refuses(w, c, *r)
	}
}

func (m *lineModel) promoted(w *line, c *lineCall) {
	if c.rep {
		m.succeeds(w, c, w.of[c.token-1], w.made[w.of[c.token-1]-1])
		return
	}
	m.admitted(w, c)
}

// succeeds begins to put next in the place of at.
func (m *lineModel) succeeds(_ *line, c *lineCall, next, at sessNo) {
	c.next, c.at, c.taken, c.phase = next, at, 0, lineTake
	switch {
	case c.kind != lineRefresh && c.child == 0 && !m.unchecked:
		c.phase = lineAlive // a refresh has read its row, and at once it is new
	case m.confirmFirst:
		c.phase = lineConfirm
	}
}

// looksAtItself: what has ended takes nobody's place.
func (m *lineModel) looksAtItself(w *line, c *lineCall) {
	switch r := w.row(c.next); {
	case r.fate != living:
		m.refuses(w, c, *r)
	case !r.pending:
		m.settled(w, c)
	case m.confirmFirst:
		c.phase = lineConfirm
	default:
		c.phase = lineTake
	}
}

func (m *lineModel) takes(w *line, c *lineCall) {
	if c.attempts++; c.attempts > MaxAttempts {
		m.answers(w, c, lineBusy)
		return
	}
	if m.end(w, c.at, replaced, c.next) {
		if c.once && c.child != 0 {
			m.endsRivals(w, c.at, c.next)
		}
		m.taken(w, c)
		return
	}
	if c.phase = lineLook; c.kind == lineReplace && c.child != 0 {
		c.phase = lineEndSelf // at once, and somebody was faster
	}
}

func (m *lineModel) taken(w *line, c *lineCall) {
	if c.phase = lineConfirm; m.confirmFirst {
		m.settled(w, c)
	}
}

func (m *lineModel) looks(w *line, c *lineCall) {
	p := PredecessorOf(w.row(c.at).session())
	taken := int64(0)
	if c.taken != 0 {
		taken = int64(c.taken-1)*paceMillis + 1
	}
	switch v := m.succession(c.next.handle(), p, taken, w.millis(), m.overlap(c.kind)); v {
	case Refused:
		c.phase = lineEndSelf
	case Take:
		c.phase = lineTake
	case Succeed:
		if m.listing {
			m.endOthers(w, c)
		}
		m.taken(w, c)
	case Follow:
		c.at, c.taken = sessOf(p.By), w.row(c.at).endedAt+1
	case Share:
		c.shared, c.tail = true, c.at
		m.settled(w, c)
	}
}

// endOthers ends all live sessions of the same origin, as one statement.
func (m *lineModel) endOthers(w *line, c *lineCall) {
	origin := w.made[c.next-1]
	for n := sessNo(1); uint8(n) <= w.sessions; n++ {
		if n != c.next && n != origin && w.made[n-1] == origin {
			m.end(w, n, replaced, c.next)
		}
	}
}

func (m *lineModel) confirms(w *line, c *lineCall) {
	r := w.row(c.next)
	switch {
	case r.fate != living:
		m.refuses(w, c, *r)
	case m.confirmFirst:
		r.pending, c.phase = false, lineTake
	default:
		r.pending = false
		m.settled(w, c)
	}
}

// settled goes on once the place is taken or shared.
func (m *lineModel) settled(w *line, c *lineCall) {
	switch {
	case c.kind == lineRefresh:
		c.tail, c.next, c.at, c.taken, c.phase = 0, 0, 0, 0, lineFind
	case c.kind == lineReplace && c.child != 0: // at once
		m.answers(w, c, lineTokens)
	case c.shared && c.kind == lineUse:
		m.answers(w, c, lineShared)
	default:
		m.admitted(w, c)
	}
}

// admitted goes on with what the verified request asked for.
func (m *lineModel) admitted(w *line, c *lineCall) {
	c.seen, c.next, c.at, c.taken, c.attempts = lineRow{}, 0, 0, 0, 0
	switch c.kind {
	case lineReplace:
		c.phase = lineRead
	case lineSignOut:
		c.phase = lineRevoke
	default:
		m.answers(w, c, lineOK)
	}
}

// inserts stores a new row, which waits for its first use.
func (m *lineModel) inserts(w *line, c *lineCall) {
	origin := w.of[c.token-1]
	if c.shared {
		origin = c.tail // it stands for that one
	}
	c.shared, c.tail = false, 0
	t := w.mint(0, 0)
	n := sessNo(w.sessions + 1)
	w.of[t-1] = n
	w.made[n-1] = origin
	w.sessions++
	w.rows[n-1] = lineRow{fate: living, pending: true, origin: origin, cur: t}
	c.child, c.childRep = t, true
	switch {
	case c.once:
		c.childRep = false
		m.succeeds(w, c, n, origin)
	case m.endsAtMint:
		m.end(w, origin, replaced, n)
		fallthrough
	default:
		w.reps = w.reps.with(t)
		m.answers(w, c, lineTokens)
	}
}

// endsRivals ends what waits for the same place, for a Replace at once that has it.
func (m *lineModel) endsRivals(w *line, origin, n sessNo) {
	for k := sessNo(1); uint8(k) <= w.sessions; k++ {
		if r := w.row(k); k != n && r.pending && w.made[k-1] == origin {
			m.end(w, k, replaced, n)
		}
	}
}

func (w *line) mint(n sessNo, parent tokenNo) tokenNo {
	w.of[w.minted], w.parent[w.minted], w.bornIn[w.minted] = n, parent, w.now
	w.minted++
	return tokenNo(w.minted)
}

func (m *lineModel) signsOut(w *line, c *lineCall) {
	n := w.of[c.token-1]
	if !m.end(w, n, signedOut, 0) && w.row(n).fate == replaced && !m.forgets {
		m.answers(w, c, lineTryRefresh)
		return
	}
	w.over = true
	m.answers(w, c, lineCleared)
}

func (m *lineModel) lineageOf(r *lineRow) Row {
	return Row{Live: m.live(*r), Cur: hashOf(r.cur), Prev: hashOf(r.prev), Gen: int64(r.gen)}
}

// finds is the reading in Service.refresh, and in front of it the choice among cookies.
func (m *lineModel) finds(w *line, c *lineCall) {
	r := w.row(w.of[c.token-1])
	switch {
	case m.foreign(w, c.token, c.beside):
		m.answers(w, c, lineKeep)
	case !m.live(*r):
		m.refuses(w, c, *r)
	default:
		c.beside, c.seen, c.phase = 0, *r, lineDecide
	}
}

// foreign: the access cookie beside is of another session, which lives.
func (m *lineModel) foreign(w *line, refresh tokenNo, beside sessNo) bool {
	n := w.of[refresh-1]
	return beside != 0 && beside != n && w.row(beside).fate == living && !m.belongs(w.member(n), w.member(beside))
}

// member is what is read of a session that lives.
func (w *line) member(n sessNo) Member {
	m := Member{Handle: n.handle(), Origin: w.made[n-1].handle()}
	for at := w.made[n-1]; at != 0 && w.row(at).fate == replaced; {
		at = w.row(at).origin
		m.Later = append(m.Later, at.handle())
	}
	return m
}

// decides acts on the row as read. False means that the bound on tokens is reached.
func (m *lineModel) decides(w *line, c *lineCall) bool {
	n := w.of[c.token-1]
	r, tok := w.row(n), w.presents(c.token)
	if c.attempts++; c.attempts > MaxAttempts {
		m.answers(w, c, lineBusy)
		return true
	}
	v := OnRefresh(m.lineageOf(&c.seen), tok, w.millis(), 0)
	switch {
	case v == Unauthorised:
		m.refuses(w, c, c.seen)
	case v == Theft:
		m.findsTheft(w, c, r)
	case c.seen.pending && !c.shared:
		attempts := c.attempts
		m.succeeds(w, c, n, w.made[n-1])
		c.attempts, c.seen = attempts, lineRow{}
	default:
		if v != Mint {
			if r.fate != living || r.cur != c.seen.cur {
				c.phase = lineFind
				return true
			}
			r.prev, r.cur, r.gen = w.parent[c.token-1], c.token, uint8(tok.Gen)
		}
		if w.minted == m.pairs {
			return false
		}
		m.endPendingOf(w, n)
		c.child, c.childRep = w.mint(n, c.token), c.seen.pending
		if c.childRep {
			w.reps = w.reps.with(c.child)
		}
		m.answers(w, c, lineTokens)
	}
	return true
}

func (m *lineModel) findsTheft(w *line, c *lineCall, r *lineRow) {
	if !m.live(*r) || r.cur != c.seen.cur {
		c.phase = lineFind
		return
	}
	w.alarm = w.alarm || r.fate == replaced
	// What a theft ends is the session of that token: where two tabs replaced at once,
	// the other one lives.
	w.flagged, w.over = true, w.over || !r.pending
	r.fate, r.endedAt = stolenFrom, w.now
	m.answers(w, c, lineCleared)
}

// endPendingOf is a deliberate bug: the old session was used, so its successors go.
func (m *lineModel) endPendingOf(w *line, n sessNo) {
	for k := sessNo(1); m.endsPending && uint8(k) <= w.sessions; k++ {
		if r := w.row(k); r.fate == living && r.pending && r.origin == n {
			r.fate = revokedAll
		}
	}
}

// refuses answers for a session that is over.
func (m *lineModel) refuses(w *line, c *lineCall, r lineRow) {
	switch {
	case r.fate != replaced || m.clears:
		m.answers(w, c, lineCleared)
	case c.kind == lineRefresh:
		m.answers(w, c, lineKeep)
	default:
		m.answers(w, c, lineTryRefresh)
	}
}

// answers sends the answer. The thief has it at once.
func (m *lineModel) answers(w *line, c *lineCall, a lineReply) {
	if c.by == theThief {
		if a == lineTokens {
			w.thiefRefresh, w.thiefAccess = w.thiefRefresh.with(c.child), w.thiefAccess.with(c.child)
		}
		*c = lineCall{}
		return
	}
	w.spent = w.spent || a == lineBusy
	done := lineCall{phase: lineAnswered, kind: c.kind, by: c.by, token: c.token, reply: a}
	if a == lineTokens {
		done.child, done.childRep = c.child, c.childRep
	}
	*c = done
}
