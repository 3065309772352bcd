package lineage

// properties of a session and those that continue it.
func (m *lineModel) properties() []property[line] {
	return []property[line]{
		{"S1", "an honest user is out, flagged, or turned away for lost races", m.honestOut},
		{"S2", "the thief of the old tokens is in although the successor was used", m.thiefStays},
		{"S3", "a token of a session that was replaced is reported as stolen", m.falseAlarm},
		{"S4", "two sessions of one browser count: live, and pending no longer", m.twoCount},
		{"S5", "a session lives on whose origin, or what took its place, was ended", m.outlives},
		{"S7", "a thief who is not in has put the user out, and nothing is flagged", m.putOut},
		{"S6", "silent takeover: the user is out, nothing is flagged, the thief is in", m.takenOver},
	}
}

func (m *lineModel) honestOut(w *line) bool {
	return !m.thief && !w.over && !w.leaving && (w.flagged || w.spent || m.isOut(w))
}

// isOut: the browser has nothing that a refresh would be granted for. While a request
// is under way nobody can say.
func (m *lineModel) isOut(w *line) bool {
	if w.jar.refresh == 0 {
		return true
	}
	for i := range w.calls {
		if w.calls[i].phase != lineNone && w.calls[i].by == victim {
			return false
		}
	}
	return !m.survives(w, w.jar.refresh, w.of[w.jar.access-1])
}

// survives reports whether a refresh with t would be granted now.
func (m *lineModel) survives(w *line, t tokenNo, beside sessNo) bool {
	n := w.of[t-1]
	r := w.row(n)
	if m.foreign(w, t, beside) {
		return false
	}
	switch OnRefresh(m.lineageOf(r), w.presents(t), w.millis(), 0) {
	case Unauthorised, Theft:
		return false
	default:
		return !r.pending || m.hasFuture(w, n)
	}
}

// hasFuture walks as a first use would.
func (m *lineModel) hasFuture(w *line, n sessNo) bool {
	at, taken := w.made[n-1], int64(0)
	for range maxLine {
		p := PredecessorOf(w.row(at).session())
		switch m.succession(n.handle(), p, taken, w.millis(), Overlap) {
		case Refused:
			return false
		case Follow:
			at, taken = sessOf(p.By), p.RevokedAt
		default:
			return true
		}
	}
	return false
}

func (m *lineModel) thiefIsIn(w *line) bool {
	for t := tokenNo(1); uint8(t) <= w.minted; t++ {
		if w.thiefRefresh.has(t) && m.survives(w, t, 0) {
			return true
		}
	}
	return false
}

func (m *lineModel) thiefStays(w *line) bool {
	return w.stolen && !m.anyJar && w.rows[0].fate == replaced && m.thiefIsIn(w)
}

func (*lineModel) falseAlarm(w *line) bool { return w.alarm }

func (*lineModel) twoCount(w *line) bool {
	count := 0
	for _, r := range w.rows {
		if r.fate == living && !r.pending {
			count++
		}
	}
	return count > 1
}

func (m *lineModel) outlives(w *line) bool {
	if !w.over {
		return false
	}
	for t := tokenNo(1); uint8(t) <= w.minted; t++ {
		if m.survives(w, t, 0) {
			return true
		}
	}
	return false
}

func (m *lineModel) takenOver(w *line) bool { return m.silentlyOut(w) && m.thiefIsIn(w) }

func (m *lineModel) putOut(w *line) bool { return m.silentlyOut(w) && !m.thiefIsIn(w) }

func (m *lineModel) silentlyOut(w *line) bool {
	return w.stolen && !w.flagged && !w.over && !w.leaving && m.isOut(w) && !m.tellsTheft(w)
}

// tellsTheft: the user's next refresh would give the thief away.
func (m *lineModel) tellsTheft(w *line) bool {
	t := w.jar.refresh
	return t != 0 && !m.foreign(w, t, w.of[w.jar.access-1]) &&
		OnRefresh(m.lineageOf(w.row(w.of[t-1])), w.presents(t), w.millis(), 0) == Theft
}
