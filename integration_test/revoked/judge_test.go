package revoked_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// life is what was seen of one session, by the clock of the test, which all who ask
// share.
type life struct {
	user, handle string

	mu      sync.Mutex
	access  string
	refresh string
	// told is when whoever ended it began to, returned when that had returned without an
	// error. A session that somebody may have ended has the first only.
	told, returned time.Time
	endedBy        *process
	seen           []seen
}

// seen is a request and what became of it.
type seen struct {
	reply
	by *process
}

// token is the access token that the client has.
func (l *life) token() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.access
}

// ask sends a request of this session and notes what became of it.
func (l *life) ask(p *process) reply {
	access := l.token()
	r := p.get("/me", access)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, seen{r, p})
	if r.access != "" && l.access == access {
		l.access = r.access
	}
	return r
}

// verdict sums up what was seen.
type verdict struct {
	// late are requests that started later than Within after the revocation; served
	// those of them that were, though the process knew the feed in time; excused those that
	// were as the process had not been able to read it.
	late, served, excused int
	// exact are the late ones that came to another process in the first tenth of a
	// second.
	exact int
	// asked are requests of sessions that nobody had begun to end; refused those of them
	// that were.
	asked, refused int
	// unavailable got a 503 or no answer.
	unavailable int
	problems    []string
}

func (v *verdict) add(w verdict) {
	v.late += w.late
	v.exact += w.exact
	v.served += w.served
	v.excused += w.excused
	v.asked += w.asked
	v.refused += w.refused
	v.unavailable += w.unavailable
	v.problems = append(v.problems, w.problems...)
}

// judge says what of that must not be.
func (l *life) judge(what string) (v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.seen {
		if s.Status == 0 || s.Status == http.StatusServiceUnavailable {
			v.unavailable++
			continue
		}
		ok := s.Status == http.StatusOK
		if !l.returned.IsZero() && s.begin.After(l.returned.Add(s.by.Within)) {
			v.late++
			if s.by != l.endedBy && s.begin.Sub(l.returned) < s.by.Within+100*time.Millisecond {
				v.exact++
			}
			switch {
			case !ok:
			case s.by.OnLag == session.LagServe && s.lag > s.by.Within:
				v.excused++
			default:
				v.served++
				v.problems = append(v.problems, fmt.Sprintf(
					"%s of %s: served %v after it had returned, within %v, lag %v", what, l.handle, s.begin.Sub(l.returned), s.by.Within, s.lag))
			}
		}
		if l.told.IsZero() || s.end.Before(l.told) {
			v.asked++
			if !ok {
				v.refused++
				v.problems = append(v.problems, fmt.Sprintf("%s beside %s: %d, though nobody ended it", what, l.handle, s.Status))
			}
		}
	}
	return v
}

// The judge itself: each of these is what it looks for, or what it lets pass.
func TestJudge(t *testing.T) {
	t.Parallel()
	base := time.Now()
	serves := &process{setting: setting{Within: 2 * time.Second}}
	asks := &process{setting: setting{Within: 2 * time.Second, OnLag: session.LagAsk}}
	at := func(p *process, begin time.Duration, status int, lag time.Duration) seen {
		return seen{reply{Status: status, begin: base.Add(begin), end: base.Add(begin + time.Millisecond), lag: lag}, p}
	}
	const over = 2*time.Second + time.Nanosecond
	for name, c := range map[string]struct {
		seen seen
		want verdict
	}{
		"served in time":         {at(serves, 2*time.Second, 200, 0), verdict{}},
		"served late":            {at(serves, over, 200, 2*time.Second), verdict{late: 1, exact: 1, served: 1}},
		"served late, it lagged": {at(serves, over, 200, over), verdict{late: 1, exact: 1, excused: 1}},
		"it must have asked":     {at(asks, over, 200, over), verdict{late: 1, exact: 1, served: 1}},
		"refused late":           {at(serves, over, 401, 0), verdict{late: 1, exact: 1}},
		"no answer":              {at(serves, over, 503, 0), verdict{unavailable: 1}},
		"refused before":         {at(serves, -2*time.Second, 401, 0), verdict{asked: 1, refused: 1}},
		"refused meanwhile":      {at(serves, -time.Second, 401, 0), verdict{}},
		"served before":          {at(serves, -2*time.Second, 200, 0), verdict{asked: 1}},
	} {
		l := &life{told: base.Add(-time.Second), returned: base, seen: []seen{c.seen}}
		got := l.judge("test")
		require.Len(t, got.problems, c.want.served+c.want.refused, name)
		got.problems = nil
		require.Equal(t, c.want, got, name)
	}
	lives := &life{seen: []seen{at(serves, 0, 401, 0)}}
	require.Equal(t, 1, lives.judge("test").refused)
}
