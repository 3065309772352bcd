package lineage

import "github.com/gin-sessionkit/sessionkit/models"

// MaxAttempts bounds the loop of read, decide, compare-and-swap. Whoever lost that
// many races in a row is told to come back.
const MaxAttempts = 6

// Row is what a row says about the refresh tokens of its session.
type Row struct {
	Live      bool
	Cur, Prev models.Hash
	CurIat    int64
	Gen       int64
}

// Of reads row as of now. A nil row is not live.
func Of(row *models.Session, now int64) Row {
	if row == nil {
		return Row{}
	}
	t := row.RefreshToken
	return Row{Live: row.LiveAt(now), Cur: t.CurHash, Prev: t.PrevHash, CurIat: t.CurIat, Gen: t.Gen}
}

// Token is the refresh token at hand, or, when an access token is
// verified, the refresh token that was minted together with it.
type Token struct {
	Hash, Parent models.Hash
	Gen, Iat     int64
}

// Verdict is what to do about a presented token.
type Verdict uint8

const (
	// Unauthorised: there is no such session (any more).
	Unauthorised Verdict = iota
	// Mint: the token is the current one. Answer with a child; nothing is written,
	// because only the use of the child proves that the client received it.
	Mint
	// MintSibling: the token was current until a moment ago (window mode).
	// Answer with another child of it; nothing is written.
	MintSibling
	// Advance: the token is a child of the current one, so the client
	// has received it: it becomes the current one.
	Advance
	// FastForward: the token is ahead of the row by more than the one
	// step that a client can be ahead. Only a database that lost commits explains it.
	FastForward
	// Swap: the token is a sibling of the current one, minted within the
	// window: it becomes the current one in its sibling's place.
	Swap
	// Confirmed: the access token's refresh token is the current one already.
	Confirmed
	// Accept: the access token belongs to a sibling of the current
	// refresh token, minted within the window. Let it pass, write nothing.
	Accept
	// TryRefresh: the access token belongs to a branch that was
	// replaced. Whether that is theft, the refresh decides: clearing the cookies here would
	// hide it.
	TryRefresh
	// Theft: the refresh token had been replaced and was used again.
	Theft
)

// OnRefresh says what a refresh with tok does to a session whose row reads
// as row. now and window are milliseconds; a window of 0 is strict mode. It is pure, so that the model
// checker runs on this very function.
func OnRefresh(row Row, tok Token, now, window int64) Verdict {
	switch {
	case !row.Live:
		return Unauthorised
	case tok.Hash.Equal(row.Cur):
		return Mint
	case tok.Parent.Equal(row.Cur):
		return Advance
	case tok.Gen > row.Gen+1:
		return FastForward
	case window > 0 && siblingWithin(row, tok, window):
		return Swap
	case window > 0 && !row.Prev.IsZero() && tok.Hash.Equal(row.Prev) && now-row.CurIat <= window:
		return MintSibling
	default:
		return Theft
	}
}

// OnUse says what the use of an access token does, whose refresh token
// is tok and which has not been promoted yet. It is asked after the
// compare-and-swap from the token's parent found no match.
func OnUse(row Row, tok Token, window int64) Verdict {
	switch {
	case !row.Live:
		return Unauthorised
	case tok.Hash.Equal(row.Cur):
		return Confirmed
	case tok.Parent.Equal(row.Cur):
		return Advance
	case tok.Gen > row.Gen+1:
		return FastForward
	case window > 0 && siblingWithin(row, tok, window):
		return Accept
	default:
		return TryRefresh
	}
}

// siblingWithin reports whether tok has the same parent as the current token and
// both were issued within window of each other. It compares two issue times,
// not one with the clock at hand.
func siblingWithin(row Row, tok Token, window int64) bool {
	if row.Prev.IsZero() || !tok.Parent.Equal(row.Prev) {
		return false
	}
	apart := tok.Iat - row.CurIat
	return -window <= apart && apart <= window
}

// Step is the compare-and-swap that carries out Advance,
// FastForward or Swap on a row read as row. The previous token is
// always the parent of the new current one: for an advance that is what was
// current, for a sibling it stays, and after lost commits it is what the row would have had.
func Step(v Verdict, row Row, tok Token) models.Advance {
	step := models.Advance{From: row.Cur, To: tok.Hash, Prev: tok.Parent, Iat: tok.Iat, Gen: tok.Gen}
	if v == Swap {
		step.ExpectPrev = tok.Parent
	}
	return step
}
