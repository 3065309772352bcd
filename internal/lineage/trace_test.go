package lineage

import (
	"fmt"
	"strings"
)

// explain tells a path in words, one line per step.
func (m *model) explain(path []world) string {
	var b strings.Builder
	fmt.Fprintf(&b, "scenario %s, window %d ms\n", m.name, m.window)
	fmt.Fprintf(&b, "%4s  the user signs in; %s\n", "", path[0].row)
	for i := 1; i < len(path); i++ {
		fmt.Fprintf(&b, "%4d. %s\n", i, m.line(&path[i-1], &path[i]))
	}
	return b.String()
}

// line tells the step between two states, which successors is asked for once more.
func (m *model) line(from, to *world) string {
	var line string
	m.successors(from, func(next *world, by move) {
		if line == "" && *next == *to {
			line = m.tell(from, to, by)
		}
	})
	if from.row != to.row {
		line += "; " + to.row.String()
	}
	return line
}

func (m *model) tell(from, to *world, by move) string {
	before, after := &from.calls[by.call], &to.calls[by.call]
	switch by.kind {
	case moveSend:
		if after.ahead {
			return fmt.Sprintf("%s sends %s, to the server that is ahead", after.by, after.what())
		}
		return fmt.Sprintf("%s sends %s", after.by, after.what())
	case moveSelect, moveDecide, moveCAS:
		return m.tellServed(from, to, by)
	case moveDeliver:
		return fmt.Sprintf("%s receives the answer to %s: %s", before.by, before.what(), before.tellReply())
	case moveLose:
		return fmt.Sprintf("%s of %s is lost before %s", before.what(), before.by, before.phase)
	case moveAbandon:
		return fmt.Sprintf("%s gives up waiting for %s, the server does not", before.by, before.what())
	case moveExpire:
		return fmt.Sprintf("access token %d expires", from.jar.access)
	case moveTick:
		return fmt.Sprintf("time passes: tick %d", to.now)
	case moveSteal:
		return fmt.Sprintf("the thief copies the jar: refresh token %d, access token %d", from.jar.refresh, from.jar.access)
	case moveSave:
		return "the browser writes its cookies to disk"
	case moveKill:
		return fmt.Sprintf("the browser is killed and comes back with refresh token %d", to.jar.refresh)
	case moveRollBack:
		return "the database loses its last commit"
	default:
		return "unknown"
	}
}

// tellServed tells a step of the server: the statement, the verdict, and what came of it.
func (m *model) tellServed(from, to *world, by move) string {
	before, after := &from.calls[by.call], &to.calls[by.call]
	text := fmt.Sprintf("server, %s of %s: ", before.what(), before.by)
	switch by.kind {
	case moveSelect:
		text += "SELECT"
		if before.kind == callVerify {
			text += ", verdict " + m.verify(m.reads(from.row, before.began).lineage(), from.presents(before.token), m.window).String()
		}
	case moveCAS:
		text += "compare-and-swap from token " + fmt.Sprint(before.seen.cur)
	default:
		v := m.refresh(before.seen.lineage(), from.presents(before.token), int64(from.clock(before))*tickMillis, m.window)
		text += "verdict " + v.String()
	}
	switch {
	case by.fault:
		text += ", the connection breaks"
	case after.phase == phaseAnswered:
		text += ", answer " + after.tellReply()
	case after.phase == phaseNone:
		text += ", done"
	case by.kind != moveSelect:
		text += ", no match"
	}
	if to.minted > from.minted {
		text += fmt.Sprintf(" (token %d, child of %d)", to.minted, to.parent[to.minted-1])
	}
	return text
}

func (c *call) what() string {
	if c.kind == callRefresh {
		return fmt.Sprintf("refresh(%d)", c.token)
	}
	return fmt.Sprintf("verify(%d)", c.token)
}

func (c *call) tellReply() string {
	switch c.reply {
	case replyOK:
		if c.kind == callRefresh {
			return fmt.Sprintf("tokens %d", c.child)
		}
		return "ok, confirmed"
	case replyUnchanged:
		return "ok"
	case replyTryRefresh:
		return "try refresh token"
	case replyUnauthorised:
		return "UNAUTHORISED"
	case replyTheft:
		return "THEFT"
	default:
		return "UNAVAILABLE"
	}
}

func (r rowState) String() string {
	text := fmt.Sprintf("row: current %d, previous %d", r.cur, r.prev)
	if !r.live {
		text += ", REVOKED"
	}
	return text
}

func (b who) String() string {
	if b == theThief {
		return "thief"
	}
	return "victim"
}

func (p phase) String() string {
	return [...]string{"it was sent", "its SELECT", "its decision", "its compare-and-swap", "its answer arrives"}[p]
}

func (v Verdict) String() string {
	return [...]string{
		"unauthorised", "mint", "mint sibling", "repeat", "advance", "fast-forward", "swap",
		"confirmed", "accept", "try refresh token", "theft",
	}[v]
}
