package lineage

// property is what must hold in every state.
type property[W comparable] struct {
	id, says string
	// broken reports whether w violates it.
	broken func(w *W) bool
}

// properties of the state machine; there is no P4, which was no promise.
func (m *model) properties() []property[world] {
	return []property[world]{
		{"P1", "an honest user is out, flagged, or turned away for lost races", m.honestSuffers},
		{"P2", "silent takeover: the victim is out, nothing is flagged, the thief is in", m.silentTakeover},
		{"P3", "a token of a flagged family is accepted", m.flaggedAccepted},
		{"P5", "two families: what was current is no path, or the row does not describe its token", m.twoFamilies},
		{"P6", "the thief lives on by its own refresh, and the victim's next one went through", m.slippedThrough},
	}
}

func (m *model) honestSuffers(w *world) bool {
	return !m.thief && (w.jar.refresh == 0 || w.flagged || w.spent)
}

func (m *model) silentTakeover(w *world) bool {
	if !w.stolen || w.flagged || w.jar.refresh != 0 || w.inFlight(victim) {
		return false
	}
	for t := tokenNo(1); uint8(t) <= w.minted; t++ {
		if w.thief.refresh.has(t) && m.refreshes(w, t) {
			return true
		}
	}
	return false
}

// flaggedAccepted asks for every token there is, whoever has it.
func (m *model) flaggedAccepted(w *world) bool {
	if !w.flagged {
		return false
	}
	for t := tokenNo(1); uint8(t) <= w.minted; t++ {
		if m.refreshes(w, t) || m.promotes(w, t) {
			return true
		}
	}
	return false
}

// refreshes reports whether a refresh with t would be answered with tokens now.
func (m *model) refreshes(w *world, t tokenNo) bool {
	for _, c := range []call{{}, {ahead: m.ahead}} {
		switch m.refresh(w.row.lineage(), w.presents(t), int64(w.clock(&c))*tickMillis, m.window) {
		case Unauthorised, Theft, TryRefresh:
		default:
			return true
		}
	}
	return false
}

// promotes reports whether the first use of t's access token would pass now.
func (m *model) promotes(w *world, t tokenNo) bool {
	switch m.verify(w.row.lineage(), w.presents(t), m.window) {
	case Unauthorised, TryRefresh:
		return false
	default:
		return true
	}
}

// twoFamilies: every token that has been current leads to the one that is, but for
// siblings that were swapped within the window; and the previous token is the parent.
func (m *model) twoFamilies(w *world) bool {
	row := &w.row
	if row.gen != w.genOf(row.cur) || row.iat != w.iat[row.cur-1] || row.prev != w.parentOf(row.cur) {
		return true
	}
	for t := tokenNo(1); uint8(t) <= w.minted; t++ {
		if !w.used.has(t) || w.descends(row.cur, t) {
			continue
		}
		if m.window == 0 || !w.descends(row.cur, w.parentOf(t)) {
			return true
		}
	}
	return false
}

func (*model) slippedThrough(w *world) bool { return w.slipped && !w.flagged }
