package histories_test

import (
	"maps"
	"slices"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models"
)

// refreshToken is what the specification says of a refresh token. Two of them
// are equal when they are the same pointer.
type refreshToken struct {
	session *login
	parent  *refreshToken
	gen     int64
	iat     int64 // milliseconds
	hash    models.Hash
}

// accessToken is an access token; pending until its first use.
type accessToken struct {
	refresh *refreshToken
	pending bool
	expires int64 // seconds
	csrf    string
}

// state is one that a session may be in.
type state struct {
	cur, prev *refreshToken
	curIat    int64
	gen       int64
	ends      int64
	revoked   bool
	data      string
}

// rules are the settings that the specification depends on, in milliseconds.
type rules struct {
	window, idle int64
}

// outcome is a legal answer and the state that it leaves.
type outcome struct {
	answer rig.Answer
	state  state
	// repeats: the answer to a refresh carries the very token that it came with.
	repeats bool
}

// live is true while neither revocation nor the idle end has come.
func (s state) live(now int64) bool { return !s.revoked && now < s.ends }

// moveTo makes t the current token. The previous one is always the parent of the
// current one: after lost commits too, when something older was current.
func (s state) moveTo(t *refreshToken, now int64, r rules) state {
	s.cur, s.prev, s.curIat, s.gen = t, t.parent, t.iat, t.gen
	s.ends = max(s.ends, r.end(max(now, t.iat)))
	return s
}

func (s state) siblings(t *refreshToken, r rules) bool {
	return s.prev != nil && t.parent == s.prev && r.within(t.iat, s.curIat)
}

// within reports whether two times are at most the window apart.
func (r rules) within(a, b int64) bool {
	apart := a - b
	return r.window > 0 && -r.window <= apart && apart <= r.window
}

// refresh is the specification of a refresh with t. A young token is not replaced.
func (s state) refresh(t *refreshToken, now int64, r rules) outcome {
	young := r.within(now, t.iat)
	switch {
	case !s.live(now):
		return outcome{answer: rig.Unauthorised, state: s}
	case t == s.cur:
		return outcome{rig.OK, s.extended(now, r), young}
	case t.parent != nil && t.parent == s.cur, t.gen > s.gen+1:
		return outcome{rig.OK, s.moveTo(t, now, r), young}
	case s.siblings(t, r) && young:
		return outcome{rig.OK, s.extended(now, r), young}
	case s.siblings(t, r):
		return outcome{answer: rig.OK, state: s.moveTo(t, now, r)}
	case t == s.prev && r.within(now, s.curIat):
		return outcome{answer: rig.OK, state: s}
	}
	s.revoked = true
	return outcome{answer: rig.Theft, state: s}
}

// end is the idle end after use at now: on a grid of a 64th of the idle length.
func (r rules) end(now int64) int64 {
	step := r.idle / 64
	return (now + r.idle) / step * step
}

// extended moves the idle end once it would move by more than a tenth of it.
func (s state) extended(now int64, r rules) state {
	if end := r.end(now); end-s.ends > r.idle/10 {
		s.ends = end
	}
	return s
}

// verify is the specification of the use of an access token. replaced tells
// whether the answer brings a new one without the parent.
func (s state) verify(a *accessToken, strict bool, now int64, r rules) (o outcome, replaced bool) { //nolint:unparam // it is part of the specification
	t := a.refresh
	switch {
	case now >= a.expires*1000:
		return outcome{answer: rig.TryRefresh, state: s}, false
	case !a.pending && !strict:
		return outcome{answer: rig.OK, state: s}, false
	case !s.live(now):
		return outcome{answer: rig.Unauthorised, state: s}, false
	case !a.pending:
		return outcome{answer: rig.OK, state: s}, false
	case t == s.cur:
		return outcome{answer: rig.OK, state: s}, true
	case t.parent == s.cur, t.gen > s.gen+1:
		return outcome{answer: rig.OK, state: s.moveTo(t, now, r)}, true
	case s.siblings(t, r):
		return outcome{answer: rig.OK, state: s}, false
	}
	return outcome{answer: rig.TryRefresh, state: s}, false
}

// login is one session and every state that it may be in.
type login struct {
	handle string
	states []state
	// stolen: somebody else has used tokens of it. ended: the user or an operator
	// ended it, or may have.
	stolen, ended bool
}

// narrow keeps of the possible outcomes those that fit the answer seen, and
// reports whether there are any.
func (l *login) narrow(seen rig.Answer, possible []outcome) bool {
	next := make(map[state]bool)
	for _, o := range possible {
		if o.answer == seen {
			next[o.state] = true
		}
	}
	if len(next) == 0 {
		return false
	}
	l.states = slices.Collect(maps.Keys(next))
	return true
}

// after is every outcome of a request from every state that the session may be
// in. step returns the answer and the states that the request goes through. Of
// one that met a fault, any part may have been carried out.
func (l *login) after(faulty bool, step func(state) (rig.Answer, []state)) []outcome {
	var all []outcome
	for _, s := range l.states {
		answer, path := step(s)
		final := path[len(path)-1]
		all = append(all, outcome{answer: answer, state: final})
		if !faulty {
			continue
		}
		all = append(all, outcome{answer: rig.Unavailable, state: s})
		for _, between := range path {
			all = append(all, outcome{answer: rig.Unavailable, state: between})
		}
		if answer == rig.Theft { // revoked, and the news of it lost
			all = append(all, outcome{answer: rig.Unauthorised, state: final})
		}
	}
	return all
}

// add and drop change the set of states.
func (l *login) add(s state) {
	if !slices.Contains(l.states, s) {
		l.states = append(slices.Clip(l.states), s)
	}
}

func (l *login) drop(is func(state) bool) { l.states = slices.DeleteFunc(slices.Clone(l.states), is) }

// surelyLive reports whether the session lives in all states.
func (l *login) surelyLive(now int64) bool {
	return !slices.ContainsFunc(l.states, func(s state) bool { return !s.live(now) })
}
