package lineage

import (
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Overlap is how long a request or an answer may be under way, in milliseconds. Two
// tabs that replace one session at once both get a successor, and the browser keeps
// the one whose answer came last: for so long a use of the other proves nothing.
const Overlap = 60_000

// Predecessor is what the row of a session says that another one continues.
type Predecessor struct {
	// Found: there is a row.
	Found bool
	// RevokedAt is 0 while nobody has revoked it; Reason is why somebody has.
	RevokedAt int64
	Reason    models.RevokeReason
	// By is the session that took its place.
	By string
	// Stranger: it is another user's, who was a faster heir of the same visitor.
	Stranger bool
}

// PredecessorOf reads row. A nil row is not found.
func PredecessorOf(row *models.Session) Predecessor {
	if row == nil {
		return Predecessor{}
	}
	p := Predecessor{Found: true, RevokedAt: row.RevokedAt, Reason: row.RevokeReason}
	if row.RevokedAt != 0 && row.RevokeReason == models.RevokedByReplacement {
		p.By = row.Origin
	}
	return p
}

// Succession is what to do about the use of a pending session.
type Succession uint8

const (
	// Refused says that what the session continues was ended otherwise, such as by
	// sign-out: that was the end of this one too.
	Refused Succession = iota
	// Take says to end the predecessor in favour of this session, and to look again if
	// somebody else was faster.
	Take
	// Succeed says that this session has taken the place: it is pending no longer.
	Succeed
	// Follow says that another session took the place: look at that one.
	Follow
	// Share says that another session took the place a moment ago, and nobody can tell
	// yet which of the two the browser has kept. Let the use pass; nothing is written.
	Share
)

// OnSuccession says what the use of the pending session named next does, which
// continues a session whose row reads as p.
//
// taken is when p took the place of its own predecessor, by the row of that one; 0 for
// the session that next was made from, which gives way at once. overlap is [Overlap],
// or 0 for what ends a session by the user's wish, such as a sign-out: that must not
// leave another one of the same browser behind. All times are milliseconds. It is pure,
// so that the model checker runs on this very function.
func OnSuccession(next string, p Predecessor, taken, now, overlap int64) Succession {
	switch {
	case !p.Found:
		return Refused
	case p.Stranger:
		// Whatever became of it is neither this one's to end, nor this one's end.
		return Succeed
	case p.RevokedAt == 0:
		// Expired ones too: time that passed is nobody's decision against this one.
		if taken != 0 && within(overlap, now, taken) {
			return Share
		}
		return Take
	case p.Reason != models.RevokedByReplacement || p.By == "":
		return Refused
	case p.By == next:
		return Succeed
	default:
		return Follow
	}
}

// Member is what a row says about the line of its session.
type Member struct {
	Handle, UserID string
	// Origin is the session that it was made from.
	Origin string
	// Later are those that took the place of Origin, one after the other.
	Later []string
}

// Kin reports whether an access token of session access may come beside a refresh token
// of session refresh: an answer of the session before came late, or that of another tab
// which replaced it too. Where a visitor signed in, only the visitor's own token may:
// what others made of the same visitor is somebody else's.
func Kin(refresh, access Member) bool {
	if refresh.Origin == access.Handle {
		return true
	}
	return refresh.UserID == access.UserID && slices.ContainsFunc(refresh.line(), func(h string) bool {
		return slices.Contains(access.line(), h)
	})
}

func (m Member) line() []string {
	line := append([]string{m.Handle}, m.Later...)
	if m.Origin != "" {
		line = append(line, m.Origin)
	}
	return line
}
