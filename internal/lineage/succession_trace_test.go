package lineage

import (
	"fmt"
	"strings"
)

// explain tells a path in words, one line per step.
func (m *lineModel) explain(path []line) string {
	var b strings.Builder
	fmt.Fprintf(&b, "scenario %s\n%4s  the user signs in\n", m.name, "")
	for i := 1; i < len(path); i++ {
		from, to := &path[i-1], &path[i]
		text := ""
		m.successors(from, func(next *line, by move) {
			if text == "" && *next == *to {
				text = m.tellLine(from, to, by)
			}
		})
		if from.rows != to.rows {
			text += "; sessions:" + to.tellRows()
		}
		fmt.Fprintf(&b, "%4d. %s\n", i, text)
	}
	return b.String()
}

func (m *lineModel) tellLine(from, to *line, by move) string {
	before, after := &from.calls[by.call], &to.calls[by.call]
	switch by.kind {
	case moveSend:
		return fmt.Sprintf("%s sends %s", after.by, to.tellCall(after))
	case moveSelect:
		text := fmt.Sprintf("server, %s of %s: %s", from.tellCall(before), before.by, before.phase)
		if after.phase == lineAnswered {
			text += ", answer " + after.tellReply()
		}
		return text
	case moveDeliver:
		return fmt.Sprintf("the answer to %s arrives: %s", from.tellCall(before), before.tellReply())
	case moveLose:
		return fmt.Sprintf("%s is lost before %s", from.tellCall(before), before.phase)
	case moveExpire:
		return fmt.Sprintf("access token %d expires", from.jar.access)
	case moveTick:
		return fmt.Sprintf("time passes: tick %d", to.now)
	case moveSteal:
		return fmt.Sprintf("the thief copies the jar: refresh token %d, access token %d", from.jar.refresh, from.jar.access)
	default:
		return "somebody ends all sessions of the user"
	}
}

func (w *line) tellCall(c *lineCall) string {
	kind := [...]string{"use", "refresh", "replace", "sign-out"}[c.kind]
	return fmt.Sprintf("%s(token %d of session %d)", kind, c.token, w.of[c.token-1])
}

func (c *lineCall) tellReply() string {
	text := [...]string{"ok, new access token", "ok", "tokens", "try refresh token", "REFUSED, cookies stay", "REFUSED, cookies cleared", "UNAVAILABLE"}[c.reply]
	if c.reply == lineTokens {
		text += fmt.Sprintf(" %d", c.child)
	}
	return text
}

func (w *line) tellRows() (text string) {
	for n := sessNo(1); uint8(n) <= w.sessions; n++ {
		r := w.row(n)
		text += fmt.Sprintf(" %d=%s", n, [...]string{"absent", "live", "replaced", "signed out", "ended", "STOLEN"}[r.fate])
		switch {
		case r.fate == replaced:
			text += fmt.Sprintf(" by %d", r.origin)
		case r.pending:
			text += fmt.Sprintf(" pending on %d", r.origin)
		}
	}
	return text
}

func (p linePhase) String() string {
	return [...]string{
		"it was sent", "it promotes", "it looks whether it lives", "it ends the predecessor", "it reads the predecessor", "it clears the flag",
		"it ends itself", "it asks", "it reads the origin", "it inserts", "it signs out", "it reads the row", "it decides", "its answer arrives",
	}[p]
}
