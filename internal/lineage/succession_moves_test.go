package lineage

import "math/bits"

// successors emits every state that can follow w.
func (m *lineModel) successors(w *line, out func(next *line, by move)) {
	m.userSends(w, out)
	if m.thief {
		m.copies(*w, out)
		m.copySends(w, out)
	}
	for i := range w.calls {
		switch w.calls[i].phase {
		case lineNone:
		case lineAnswered:
			m.delivers(*w, i, out)
			m.drops(*w, i, out)
		default:
			m.serveLine(*w, i, out)
			m.drops(*w, i, out)
		}
	}
	m.endsEverything(*w, out)
	m.passes(w, out)
}

// userSends: a tab uses its access token, refreshes once that is due, asks for a
// Replace, or signs out. A use that needs no statement is left out.
func (m *lineModel) userSends(w *line, out emitLine) {
	waiting, refreshing, replacing := 0, false, false
	for i := range w.calls {
		if c := &w.calls[i]; c.phase != lineNone && c.by == victim {
			waiting++
			refreshing = refreshing || c.kind == lineRefresh
			replacing = replacing || c.kind == lineReplace
		}
	}
	if waiting == m.tabs || w.jar.refresh == 0 {
		return
	}
	due := w.jar.mustRefresh || w.expired.has(w.jar.access)
	if !due {
		if w.jar.promote || w.jar.rep || m.asks {
			m.sendLine(*w, lineCall{kind: lineUse}, out)
		}
		if w.sessions < m.line && !(m.turns && refreshing) && !(m.apart && replacing) {
			m.sendLine(*w, lineCall{kind: lineReplace, once: m.atOnce}, out)
			if m.mixed {
				m.sendLine(*w, lineCall{kind: lineReplace, once: true}, out)
			}
		}
		if m.signOut && !w.over {
			m.sendLine(*w, lineCall{kind: lineSignOut}, out)
		}
	}
	if (due || m.eager) && !(m.lock && refreshing) && !(m.turns && replacing) {
		m.sendLine(*w, lineCall{kind: lineRefresh, token: w.jar.refresh, beside: w.of[w.jar.access-1]}, out)
	}
}

// sendLine puts c into a free slot, at the statement that it begins with.
func (m *lineModel) sendLine(w line, c lineCall, out emitLine) {
	i := 0
	for i < len(w.calls) && w.calls[i].phase != lineNone {
		i++
	}
	if i == len(w.calls) {
		return
	}
	promote := false
	if c.by == victim && c.kind != lineRefresh {
		c.token, c.rep, promote = w.jar.access, w.jar.rep, w.jar.promote
	} else if c.kind != lineRefresh {
		c.rep, promote = w.reps.has(c.token), w.parent[c.token-1] != 0
	}
	w.leaving = w.leaving || c.kind == lineSignOut
	w.calls[i] = c
	switch at := &w.calls[i]; {
	case c.kind == lineRefresh:
		at.phase = lineFind
		if at.beside == w.of[c.token-1] {
			at.beside = 0
		}
	case promote:
		at.phase = linePromote
	case c.rep:
		m.succeeds(&w, at, w.of[c.token-1], w.made[w.of[c.token-1]-1])
	case m.asks:
		at.phase = lineAsk
	case c.kind == lineReplace:
		at.phase = lineRead
	case c.kind == lineSignOut:
		at.phase = lineRevoke
	default:
		return
	}
	out(&w, move{kind: moveSend, call: uint8(i)})
}

// delivers hands the answer to the browser. The last answer wins, as with cookies.
func (m *lineModel) delivers(w line, i int, out emitLine) {
	c := w.calls[i]
	w.calls[i] = lineCall{}
	switch c.reply {
	case lineTokens:
		w.jar = pairJar{refresh: c.child, access: c.child, promote: w.parent[c.child-1] != 0, rep: c.childRep}
	case lineOK:
		if w.jar.refresh != 0 {
			w.jar.access, w.jar.promote, w.jar.rep, w.jar.mustRefresh = c.token, false, false, false
		}
	case lineTryRefresh:
		if !m.brisk || w.jar.access == c.token {
			w.jar.mustRefresh = true
		}
	case lineCleared:
		w.jar = pairJar{}
	case lineShared, lineKeep, lineBusy:
	}
	out(&w, move{kind: moveDeliver, call: uint8(i)})
}

// drops ends a request of the user wherever it is: on its way to the server, between two
// statements, as the server died, or on its way back.
func (m *lineModel) drops(w line, i int, out emitLine) {
	if w.losses == m.losses || w.calls[i].by != victim {
		return
	}
	w.losses++
	w.calls[i] = lineCall{}
	out(&w, move{kind: moveLose, call: uint8(i)})
}

// passes: the clock ticks, and access tokens expire in any later tick than their first.
func (m *lineModel) passes(w *line, out emitLine) {
	if m.brisk && (w.calls[0].phase != lineNone || w.calls[1].phase != lineNone) {
		return
	}
	if t := w.jar.access; t != 0 && !w.expired.has(t) && w.now > w.bornIn[t-1] {
		next := *w
		next.expired = next.expired.with(t)
		out(&next, move{kind: moveExpire})
	}
	if w.now+1 < m.ticks {
		next := *w
		next.now++
		out(&next, move{kind: moveTick})
	}
}

// endsEverything is RevokeAll.
func (m *lineModel) endsEverything(w line, out emitLine) {
	if !m.endsAll || w.over {
		return
	}
	for n := sessNo(1); uint8(n) <= w.sessions; n++ {
		m.end(&w, n, revokedAll, 0)
	}
	w.over = true
	out(&w, move{kind: moveRollBack})
}

// copies: the thief has what is in the jar, of the first session unless any will do.
func (m *lineModel) copies(w line, out emitLine) {
	if w.stolen || w.jar.refresh == 0 || !m.anyJar && (w.of[w.jar.refresh-1] != 1 || w.of[w.jar.access-1] != 1) {
		return
	}
	w.stolen = true
	w.thiefRefresh = w.thiefRefresh.with(w.jar.refresh)
	w.thiefAccess = w.thiefAccess.with(w.jar.access)
	out(&w, move{kind: moveSteal})
}

// copySends: the thief has one request at a time, with the latest of its tokens. What
// it cannot do is prove that it is the user, which a Replace asks for.
func (m *lineModel) copySends(w *line, out emitLine) {
	if !w.stolen || w.calls[0].phase != lineNone && w.calls[0].by == theThief || w.calls[1].phase != lineNone && w.calls[1].by == theThief {
		return
	}
	if t := tokenNo(bits.Len8(uint8(w.thiefRefresh))); t != 0 {
		m.sendLine(*w, lineCall{kind: lineRefresh, by: theThief, token: t}, out)
	}
	t := tokenNo(bits.Len8(uint8(w.thiefAccess)))
	if t == 0 || w.expired.has(t) {
		return
	}
	if w.parent[t-1] != 0 || w.reps.has(t) || m.asks {
		m.sendLine(*w, lineCall{kind: lineUse, by: theThief, token: t}, out)
	}
	if m.unproven && w.sessions < m.line {
		m.sendLine(*w, lineCall{kind: lineReplace, by: theThief, token: t}, out)
	}
}
