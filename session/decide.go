package session

import "github.com/gin-sessionkit/sessionkit/models"

// lineage is what a row says about the refresh tokens of its session.
type lineage struct {
	live      bool
	cur, prev models.Hash
	curIat    int64
	gen       int64
}

// lineageOf reads row as of now. A nil row is not live.
func lineageOf(row *models.Session, now int64) lineage {
	if row == nil {
		return lineage{}
	}
	t := row.RefreshToken
	return lineage{live: row.LiveAt(now), cur: t.CurHash, prev: t.PrevHash, curIat: t.CurIat, gen: t.Gen}
}

// presented is the refresh token at hand, or, when an access token is
// verified, the refresh token that was minted together with it.
type presented struct {
	hash, parent models.Hash
	gen, iat     int64
}

// verdict is what to do about a presented token.
type verdict uint8

const (
	// verdictUnauthorised: there is no such session (any more).
	verdictUnauthorised verdict = iota
	// verdictMint: the token is the current one. Answer with a child; nothing is written,
	// because only the use of the child proves that the client received it.
	verdictMint
	// verdictMintSibling: the token was current until a moment ago (window mode).
	// Answer with another child of it; nothing is written.
	verdictMintSibling
	// verdictAdvance: the token is a child of the current one, so the client
	// has received it: it becomes the current one.
	verdictAdvance
	// verdictFastForward: the token is ahead of the row by more than the one
	// step that a client can be ahead. Only a database that lost commits explains it.
	verdictFastForward
	// verdictSwap: the token is a sibling of the current one, minted within the
	// window: it becomes the current one in its sibling's place.
	verdictSwap
	// verdictConfirmed: the access token's refresh token is the current one already.
	verdictConfirmed
	// verdictAccept: the access token belongs to a sibling of the current
	// refresh token, minted within the window. Let it pass, write nothing.
	verdictAccept
	// verdictTryRefresh: the access token belongs to a branch that was
	// replaced. Whether that is theft, the refresh decides: clearing the cookies here would
	// hide it.
	verdictTryRefresh
	// verdictTheft: the refresh token had been replaced and was used again.
	verdictTheft
)

// decideRefresh says what a refresh with tok does to a session whose row reads
// as row. now and window are milliseconds; a window of 0 is strict mode. It is pure, so that the model
// checker runs on this very function.
func decideRefresh(row lineage, tok presented, now, window int64) verdict {
	switch {
	case !row.live:
		return verdictUnauthorised
	case tok.hash.Equal(row.cur):
		return verdictMint
	case tok.parent.Equal(row.cur):
		return verdictAdvance
	case tok.gen > row.gen+1:
		return verdictFastForward
	case window > 0 && siblingWithin(row, tok, window):
		return verdictSwap
	case window > 0 && !row.prev.IsZero() && tok.hash.Equal(row.prev) && now-row.curIat <= window:
		return verdictMintSibling
	default:
		return verdictTheft
	}
}

// decideVerify says what the use of an access token does, whose refresh token
// is tok and which has not been promoted yet. It is asked after the
// compare-and-swap from the token's parent found no match.
func decideVerify(row lineage, tok presented, window int64) verdict {
	switch {
	case !row.live:
		return verdictUnauthorised
	case tok.hash.Equal(row.cur):
		return verdictConfirmed
	case tok.parent.Equal(row.cur):
		return verdictAdvance
	case tok.gen > row.gen+1:
		return verdictFastForward
	case window > 0 && siblingWithin(row, tok, window):
		return verdictAccept
	default:
		return verdictTryRefresh
	}
}

// siblingWithin reports whether tok has the same parent as the current token and
// both were issued within window of each other. It compares two issue times,
// not one with the clock at hand.
func siblingWithin(row lineage, tok presented, window int64) bool {
	if row.prev.IsZero() || !tok.parent.Equal(row.prev) {
		return false
	}
	apart := tok.iat - row.curIat
	return -window <= apart && apart <= window
}

// stepFor is the compare-and-swap that carries out verdictAdvance,
// verdictFastForward or verdictSwap on a row read as row. The previous token is
// always the parent of the new current one: for an advance that is what was
// current, for a sibling it stays, and after lost commits it is what the row would have had.
func stepFor(v verdict, row lineage, tok presented) models.Advance {
	step := models.Advance{From: row.cur, To: tok.hash, Prev: tok.parent, Iat: tok.iat, Gen: tok.gen}
	if v == verdictSwap {
		step.ExpectPrev = tok.parent
	}
	return step
}
