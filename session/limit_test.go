package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

var policies = map[string]session.LimitPolicy{
	"oldest": session.EvictOldest, "idlest": session.EvictIdlest, "refuse": session.RefuseNew,
}

// limited is a Config with a limit.
func limited(n int, policy session.LimitPolicy) func(*session.Config) {
	return func(c *session.Config) { c.MaxSessions = session.LimitConfig{N: n, Policy: policy} }
}

// liveHandles are those of a user's sessions, oldest first.
func (k *kit) liveHandles(t *testing.T, user string) []string {
	t.Helper()
	list, err := k.List(t.Context(), user)
	require.NoError(t, err)
	var handles []string
	for _, d := range list {
		handles = append(handles, d.Handle)
	}
	return handles
}

// What a limit costs: nothing where there is none.
func TestLimit_statements(t *testing.T) {
	t.Parallel()
	none := newKit(t)
	none.store.Arm()
	none.handleOf(t, "ada")
	require.Equal(t, map[string]int{"Insert": 1}, none.store.Counts())

	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, limited(2, policy))
			for range 2 {
				k.store.Arm()
				k.handleOf(t, "ada")
				require.Equal(t, map[string]int{"List": 2, "Insert": 1}, k.store.Counts())
			}
			k.handleOf(t, "bob")
			k.store.Arm()
			_, err := k.Create(t.Context(), "ada")
			if policy == session.RefuseNew {
				require.ErrorIs(t, err, errors.ErrSessionLimit)
				require.Equal(t, map[string]int{"List": 1}, k.store.Counts())
				return
			}
			require.NoError(t, err)
			require.Equal(t, map[string]int{"List": 2, "Insert": 1, "RevokeMany": 1}, k.store.Counts())
			require.Len(t, k.liveHandles(t, "bob"), 1)
		})
	}
}

// Which sessions give way, and what the application hears of it.
func TestLimit_policies(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, limited(3, policy))
			var tokens []*session.Tokens
			for range 3 {
				k.Advance(time.Minute)
				made, err := k.Create(t.Context(), "ada", session.WithDevice("browser", ""))
				require.NoError(t, err)
				tokens = append(tokens, made)
			}
			// The first is used again, which leaves the second as the idlest.
			k.Advance(2 * time.Hour)
			next, err := k.Refresh(t.Context(), tokens[0].Refresh.Value)
			require.NoError(t, err)
			_, _, err = k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
			require.NoError(t, err)

			fourth, err := k.Create(t.Context(), "ada")
			left := k.liveHandles(t, "ada")
			if policy == session.RefuseNew {
				limit, ok := errors.AsType[*errors.SessionLimitError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, 3, limit.Limit)
				require.Len(t, limit.Sessions, 3)
				require.Equal(t, left[0], limit.Sessions[0].Handle)
				require.Equal(t, "browser", limit.Sessions[0].UserAgent)
				require.Equal(t, k.clock.Now().Add(-2*time.Hour), limit.Sessions[2].CreatedAt.UTC())
				require.Len(t, k.Events(session.EventCreated), 3)
				require.Empty(t, k.Events(session.EventRevoked))
				return
			}
			require.NoError(t, err)
			gone := tokens[0].Session.Handle()
			if policy == session.EvictIdlest {
				gone = tokens[1].Session.Handle()
			}
			require.Len(t, left, 3)
			require.NotContains(t, left, gone)
			require.Equal(t, fourth.Session.Handle(), left[2])
			ended := k.Events(session.EventRevoked)
			require.Len(t, ended, 1)
			require.Equal(t, []any{gone, "ada", models.RevokedByLimit, 1},
				[]any{ended[0].Handle, ended[0].UserID, ended[0].Reason, ended[0].Count})
		})
	}
}

// signInAs signs a user in as a browser with these cookies does, and returns the answer.
func (k *kit) signInAs(t *testing.T, user string, cookies ...*http.Cookie) (*httptest.ResponseRecorder, *session.Session) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/login", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	sess, err := k.CreateHTTP(w, r, user)
	if err != nil {
		k.WriteError(w, r, err)
	}
	return w, sess
}

// The session of the signing-in browser makes room for the new one. One of somebody
// else does not, and a refused sign-in leaves it as it was.
func TestLimit_sameBrowser(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, limited(1, policy))
			first, _ := k.signInAs(t, "ada")
			for range 3 {
				again, sess := k.signInAs(t, "ada", first.Result().Cookies()...)
				require.NotNil(t, sess, again.Body)
				require.Equal(t, []string{sess.Handle()}, k.liveHandles(t, "ada"))
				first = again
			}
			for _, e := range k.Events(session.EventRevoked) {
				require.Equal(t, models.RevokedByNewLogin, e.Reason)
			}
			bob, bobs := k.signInAs(t, "bob")
			answer, sess := k.signInAs(t, "ada", bob.Result().Cookies()...)
			if policy == session.RefuseNew {
				require.Nil(t, sess)
				require.Equal(t, http.StatusConflict, answer.Code)
				require.Empty(t, answer.Result().Cookies())
				require.Equal(t, []string{bobs.Handle()}, k.liveHandles(t, "bob"))
				return
			}
			require.Equal(t, []string{sess.Handle()}, k.liveHandles(t, "ada"))
			require.Empty(t, k.liveHandles(t, "bob"))
		})
	}
}

// What a page gets to let the user choose.
func TestLimit_answer(t *testing.T) {
	t.Parallel()
	k := newKit(t, limited(1, session.RefuseNew), func(c *session.Config) { c.IPAddresses = session.IPFull })
	_, err := k.Create(t.Context(), "ada", session.WithDevice("phone", "192.0.2.7"))
	require.NoError(t, err)
	answer, _ := k.signInAs(t, "ada")
	require.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	require.JSONEq(t, `{"message":"session limit reached","limit":1,"sessions":[{"handle":"`+k.liveHandles(t, "ada")[0]+`",
		"createdAt":1767268800000,"lastUsedAt":1767268800000,"userAgent":"phone","ip":"192.0.2.7","label":""}]}`, answer.Body.String())
}

// Front ends must not take the answer for one that asks to refresh.
func TestLimit_answerIsNoOther(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*session.Config){
		func(c *session.Config) { c.SessionExpiredStatus = http.StatusConflict },
		func(c *session.Config) { c.InvalidClaimStatus = http.StatusConflict },
	} {
		cfg := session.Config{MaxSessions: session.LimitConfig{N: 1, Policy: session.RefuseNew}}
		change(&cfg)
		_, err := session.New(t.Context(), memstore.New(), cfg)
		require.ErrorContains(t, err, "Config.MaxSessions.Policy: RefuseNew answers 409")
	}
	k := newKit(t, limited(1, session.RefuseNew), func(c *session.Config) {
		c.SessionExpiredStatusFor = func(*http.Request) int { return http.StatusConflict }
	})
	w := httptest.NewRecorder()
	k.WriteError(w, request(t, nil), errors.ErrUnauthorised)
	require.Equal(t, http.StatusUnauthorized, w.Code)
}

// A server whose clock is behind does not end its own sign-in, nor the wrong one of the
// others.
func TestLimit_clocksApart(t *testing.T) {
	t.Parallel()
	for _, policy := range []session.LimitPolicy{session.EvictOldest, session.EvictIdlest} {
		store, noon := memstore.New(), time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
		ahead := newKitOn(t, store, sessiontest.NewClock(noon.Add(time.Minute)), limited(2, policy))
		behind := newKitOn(t, store, sessiontest.NewClock(noon.Add(-time.Minute)), limited(2, policy))
		var made []string
		for i, k := range []*kit{ahead, behind, behind, ahead, behind, behind, behind} {
			made = append(made, k.handleOf(t, "ada"))
			require.Equal(t, made[max(0, i-1):], ahead.liveHandles(t, "ada"), "sign-in %d", i)
			ahead.Advance(time.Millisecond)
			behind.Advance(time.Millisecond)
		}
	}
}

// An account with very many sessions can sign in under a new limit, which it reaches.
func TestLimit_introduced(t *testing.T) {
	t.Parallel()
	for _, policy := range []session.LimitPolicy{session.EvictOldest, session.EvictIdlest} {
		store := memstore.New()
		free := newKitOn(t, store, nil)
		var last []string
		for range 3456 {
			last = append(last, free.handleOf(t, "ada"))
			free.Advance(time.Millisecond)
		}
		k := newKitOn(t, store, free.clock, limited(5, policy))
		own := k.handleOf(t, "ada")
		require.Equal(t, append(slices.Clone(last[len(last)-4:]), own), k.liveHandles(t, "ada"))
		count := 0
		for _, e := range k.Events(session.EventRevoked) {
			count += e.Count
		}
		require.Equal(t, 3452, count)
	}
}

// Whatever statement fails, and however: nobody is signed out but by the limit, a sign-in
// that was answered has a session, one that failed takes no place once the database is
// back, and the limit holds after the next sign-in.
func TestLimit_everyFailure(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter, storetest.Hang} {
			for calls := range 2 {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { limitFails(t, policy, mode, calls == 1) })
				})
			}
		}
	}
}

// limitFails lets each call fail; and, with rest, all that come after it.
func limitFails(t *testing.T, policy session.LimitPolicy, mode storetest.FaultMode, rest bool) {
	t.Helper()
	const n = 2
	for call := 1; ; call++ {
		k := newKitOn(t, memstore.New(), nil, limited(n, policy))
		browser, own := k.signInAs(t, "ada")
		k.Advance(time.Second)
		second := k.handleOf(t, "ada")
		if policy == session.RefuseNew {
			_, err := k.RevokeOf(t.Context(), "ada", second) // there is a place
			require.NoError(t, err)
		}
		k.Advance(time.Second)
		faults := []storetest.Fault{{Call: call, Mode: mode}}
		for later := call + 1; rest && later < call+10; later++ {
			faults = append(faults, storetest.Fault{Call: later, Mode: mode})
		}
		k.store.Arm(faults...)
		tokens, err := k.Create(t.Context(), "ada")
		fired := k.store.Fired()
		k.store.Arm()
		live := k.liveHandles(t, "ada")
		if err != nil {
			require.ErrorIs(t, err, errors.ErrUnavailable)
			require.Contains(t, live, own.Handle(), "call %d: a sign-in that failed signs nobody out", call)
			if !rest {
				require.LessOrEqual(t, len(live), n, "call %d", call)
			}
		} else {
			require.Contains(t, live, tokens.Session.Handle(), "call %d", call)
		}
		require.LessOrEqual(t, len(live), n+1)
		// The browser of the first session signs in: that is always possible.
		_, sess := k.signInAs(t, "ada", browser.Result().Cookies()...)
		if sess == nil { // a row of which nothing is known takes the place
			require.True(t, rest && policy == session.RefuseNew, "call %d", call)
		} else {
			require.Contains(t, k.liveHandles(t, "ada"), sess.Handle())
		}
		require.LessOrEqual(t, len(k.liveHandles(t, "ada")), n, "call %d", call)
		if fired == 0 {
			require.NoError(t, err)
			return
		}
	}
}

// A client that hangs up after its session was stored leaves no more than the limit.
func TestLimit_clientHangsUp(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &afterInsert{Store: memstore.New()}
			k := newKitOn(t, store, nil, limited(1, policy))
			k.handleOf(t, "ada")
			ctx, cancel := context.WithCancel(t.Context())
			store.then = cancel
			_, err := k.Create(ctx, "ada")
			require.Equal(t, policy == session.RefuseNew, errors.Is(err, errors.ErrSessionLimit), "%v", err)
			store.then = nil
			require.Len(t, k.liveHandles(t, "ada"), 1)
		})
	}
}

// afterInsert calls first before each Insert, and then after it.
type afterInsert struct {
	session.Store
	first, then func()
}

func (s *afterInsert) Insert(ctx context.Context, row *models.Session) error {
	if s.first != nil {
		s.first()
	}
	err := s.Store.Insert(ctx, row)
	if s.then != nil {
		s.then()
	}
	return err
}

// Two sign-ins come at once for the last place: each has looked before the other was
// stored. One of them stays.
func TestLimit_lastPlace(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		store := &afterInsert{Store: memstore.New()}
		k := newKitOn(t, store, nil, limited(1, policy))
		var both sync.WaitGroup
		both.Add(2)
		store.first = func() {
			both.Done()
			both.Wait()
		}
		outcomes := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := k.Create(t.Context(), "ada")
				outcomes <- err
			}()
		}
		refused := 0
		for range 2 {
			if err := <-outcomes; err != nil {
				require.ErrorIs(t, err, errors.ErrSessionLimit)
				refused++
			}
		}
		require.Len(t, k.liveHandles(t, "ada"), 1, "%v", policy)
		if policy == session.RefuseNew {
			require.Equal(t, 1, refused)
		}
	}
}

// A sign-in that has found a place, and is stored only after another one took that: by
// the common order it may be the older one, as its server's clock is behind. Whoever was
// answered first stays where nobody gives way; else the older one gives way, whosever it
// is.
func TestLimit_tookItsTime(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := memstore.New()
			store := &afterInsert{Store: inner}
			slow := newKitOn(t, store, sessiontest.NewClock(noon.Add(-time.Minute)), limited(1, policy))
			quick := newKitOn(t, inner, sessiontest.NewClock(noon.Add(time.Minute)), limited(1, policy))
			var handle string
			store.first = func() { handle = quick.handleOf(t, "ada") }
			_, err := slow.Create(t.Context(), "ada")
			require.Equal(t, policy == session.RefuseNew, errors.Is(err, errors.ErrSessionLimit), "%v", err)
			require.Equal(t, []string{handle}, quick.liveHandles(t, "ada"))
		})
	}
}

// A double click on "sign in": what was on its way with the first session's tokens takes
// nothing from the second.
func TestLimit_lateRequestOfTheSameBrowser(t *testing.T) {
	t.Parallel()
	k := newKit(t, limited(1, session.EvictOldest), func(c *session.Config) { c.Revocation = session.RevokeImmediately })
	old := k.signIn(t, oldClient)
	k.signIn(t, oldClient)
	out, err := k.verify(t, nil, "sAccessToken="+old.value("sAccessToken"))
	require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	require.Empty(t, out.cookies)
	_, out, err = k.refresh(t, nil, "sRefreshToken="+old.value("sRefreshToken"))
	require.Error(t, err)
	require.Empty(t, out.cookies)
}
