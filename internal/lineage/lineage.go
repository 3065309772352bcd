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
	t := row.Lineage
	return Row{Live: row.LiveAt(now), Cur: t.Current, Prev: t.Previous, CurIat: t.IssuedAt, Gen: t.Generation}
}

// Token is the refresh token at hand, or, when an access token is verified, the
// refresh token that was minted together with it.
type Token struct {
	Hash, Parent models.Hash
	Gen, Iat     int64
}

// Verdict is what to do about a presented token.
type Verdict uint8

const (
	// Unauthorised says that there is no such session, or none any more.
	Unauthorised Verdict = iota
	// Mint says that the token is the current one. Answer with a child; nothing is
	// written, because only the use of the child proves that the client received it.
	Mint
	// MintSibling says that the token was current until a moment ago (window mode).
	// Answer with another child of it; nothing is written.
	MintSibling
	// Repeat says that the token is good and young (window mode). Answer with itself,
	// so that one window holds one generation; nothing is written.
	Repeat
	// Advance says that the token is a child of the current one, so the client has
	// received it: it becomes the current one.
	Advance
	// FastForward says that the token is ahead of the row by more than the one step
	// that a client can be ahead. Only a database that lost commits explains it.
	FastForward
	// Swap says that the token is a sibling of the current one, issued within the
	// window of it: it takes its sibling's place.
	Swap
	// Confirmed says that the access token's refresh token is the current one already.
	Confirmed
	// Accept says that the access token belongs to a sibling of the current refresh
	// token, issued within the window of it. Let it pass; nothing is written.
	Accept
	// TryRefresh says that the access token belongs to a branch that was replaced.
	// Whether that is theft, the refresh decides: clearing the cookies here would hide
	// it.
	TryRefresh
	// Theft says that the refresh token had been replaced and was used again.
	Theft
)

// OnRefresh says what a refresh with tok does to a session whose row reads as row.
// now and window are milliseconds; a window of 0 is strict mode. It is pure, so
// that the model checker runs on this very function.
//
// After an Advance or a FastForward, [Young] says what the answer is.
func OnRefresh(row Row, tok Token, now, window int64) Verdict {
	switch {
	case !row.Live:
		return Unauthorised
	case tok.Hash.Equal(row.Cur):
		if Young(tok, now, window) {
			return Repeat
		}
		return Mint
	case tok.Parent.Equal(row.Cur):
		return Advance
	case ahead(row, tok):
		return FastForward
	case siblingWithin(row, tok, window):
		if Young(tok, now, window) {
			return Repeat // a swap waits: two tabs could swap until neither gets through
		}
		return Swap
	case replacedWithin(row, tok, now, window):
		return MintSibling
	default:
		return Theft
	}
}

// OnUse says what the use of an access token does, whose refresh token is tok and
// which has not been promoted yet. It is asked after the compare-and-swap from the
// token's parent found no match.
func OnUse(row Row, tok Token, window int64) Verdict {
	switch {
	case !row.Live:
		return Unauthorised
	case tok.Hash.Equal(row.Cur):
		return Confirmed
	case tok.Parent.Equal(row.Cur):
		return Advance
	case ahead(row, tok):
		return FastForward
	case siblingWithin(row, tok, window):
		return Accept
	default:
		return TryRefresh
	}
}

// Young reports whether a refresh that is granted to tok is answered with tok
// itself. It is never so in strict mode. The age counts in both directions: a token
// from a server whose clock is a day ahead is not young for a day.
func Young(tok Token, now, window int64) bool {
	return within(window, now, tok.Iat)
}

// ahead reports whether the token is two or more generations ahead of the row.
func ahead(row Row, tok Token) bool {
	return tok.Gen > row.Gen && tok.Gen-1 > row.Gen // row.Gen+1 could overflow
}

// siblingWithin reports whether tok has the same parent as the current token and
// both were issued within window of each other. It compares two issue times, not
// one with the clock at hand.
func siblingWithin(row Row, tok Token, window int64) bool {
	return !row.Prev.IsZero() && tok.Parent.Equal(row.Prev) && within(window, tok.Iat, row.CurIat)
}

// replacedWithin reports whether tok is the parent of the current token, and that
// one was issued within window of now.
func replacedWithin(row Row, tok Token, now, window int64) bool {
	return !row.Prev.IsZero() && tok.Hash.Equal(row.Prev) && within(window, now, row.CurIat)
}

// within reports whether a and b are at most window apart, which nothing is in
// strict mode. The difference of any two numbers fits into 64 bits without a sign.
func within(window, a, b int64) bool {
	return window > 0 && uint64(max(a, b))-uint64(min(a, b)) <= uint64(window) //nolint:gosec // meant
}

// Step is the compare-and-swap that carries out Advance, FastForward or Swap on a
// row read as row. The previous token is always the parent of the new current one:
// for an advance that is what was current, for a sibling it stays, and after lost
// commits it is what the row would have had.
func Step(v Verdict, row Row, tok Token) models.Advance {
	step := models.Advance{From: row.Cur, To: tok.Hash, Previous: tok.Parent, IssuedAt: tok.Iat, Generation: tok.Gen}
	if v == Swap {
		step.ExpectPrevious = tok.Parent
	}
	return step
}
