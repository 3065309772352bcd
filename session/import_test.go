package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

var importKey = []byte("an import key of 32 bytes or more")

// earlier is a system of before, whose tokens are "old.HANDLE.NUMBER": a child has the
// number after its parent's.
type earlier struct {
	mu       sync.Mutex
	now      func() time.Time
	sessions map[string]*earlierSession
	calls    int
	deleted  int
	fails    error
	// asked, if set, runs when a session has been read.
	asked func()
}

type earlierSession struct {
	session.Imported
	current int
}

func newEarlier(now func() time.Time) *earlier {
	return &earlier{now: now, sessions: map[string]*earlierSession{}}
}

// signIn makes a session that began a day ago, whose current token is number 5.
func (e *earlier) signIn(handle, user string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions[handle] = &earlierSession{current: 5, Imported: session.Imported{
		Handle: handle, UserID: user, CreatedAt: e.now().Add(-24 * time.Hour), ExpiresAt: e.now().Add(50 * 24 * time.Hour),
		Payload: json.RawMessage(`{"role":"editor"}`), Data: map[string]any{"cart": []int{1, 2}},
	}}
}

func (e *earlier) Import(ctx context.Context, text string) (*session.Imported, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // as a database does
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	parts := strings.Split(text, ".")
	var number int
	if len(parts) != 3 || parts[0] != "old" {
		return nil, nil //nolint:nilnil // as the interface says
	}
	if _, err := fmt.Sscan(parts[2], &number); err != nil {
		return nil, nil //nolint:nilnil // as the interface says
	}
	if e.fails != nil {
		return nil, e.fails
	}
	if e.asked != nil {
		defer e.asked()
	}
	s := e.sessions[parts[1]]
	if s == nil { // it knows of it from the token alone
		return &session.Imported{Handle: parts[1], UserID: "ada", CreatedAt: began, Ended: true}, nil
	}
	old := s.Imported
	old.Ended = !e.now().Before(old.ExpiresAt)
	old.Replaced = number != s.current && number != s.current+1
	return &old, nil
}

func (e *earlier) RevokeUser(_ context.Context, userID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for handle, s := range e.sessions {
		if s.UserID == userID {
			delete(e.sessions, handle)
		}
	}
	return e.fails
}

func (e *earlier) DeleteEnded(_ context.Context, before time.Time, limit int) (n int, _ error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for handle, s := range e.sessions {
		if n < limit && s.ExpiresAt.Before(before) {
			delete(e.sessions, handle)
			n++
		}
	}
	e.deleted += n
	return n, nil
}

// began is when the sessions of an importKit's earlier system did, a day before its
// clock's time.
var began = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

type importKit struct {
	*kit
	old    *earlier
	events map[session.EventKind]int
	mu     sync.Mutex
}

// newImportKit is a service 60 days before Sunset, and an earlier system with the
// session "first" of ada.
func newImportKit(t *testing.T, change ...func(*session.Config)) *importKit {
	t.Helper()
	return newImportKitOn(t, memstore.New(), change...)
}

func newImportKitOn(t *testing.T, store session.Store, change ...func(*session.Config)) *importKit {
	t.Helper()
	k := &importKit{events: map[session.EventKind]int{}}
	clock := sessiontest.NewClock(began.Add(24 * time.Hour))
	k.old = newEarlier(clock.Now)
	k.old.signIn("first", "ada")
	set := func(c *session.Config) {
		c.Import = session.ImportConfig{From: k.old, Key: importKey, Sunset: clock.Now().Add(60 * 24 * time.Hour)}
		c.OnEvent = func(e session.Event) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.events[e.Kind]++
		}
	}
	k.kit = newKitOn(t, store, clock, append([]func(*session.Config){set}, change...)...)
	return k
}

func (k *importKit) count(kind session.EventKind) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.events[kind]
}

func (k *importKit) devicesOfAda(t *testing.T) []session.Device {
	t.Helper()
	list, err := k.List(t.Context(), "ada")
	require.NoError(t, err)
	return list
}

// What a session has comes over, and its tokens go on as those of any other.
func TestImport_takesASessionOver(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]session.Store{"plain": memstore.New(), "sharded": memstore.NewSharded()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newImportKitOn(t, store)
			sess, out, err := k.refresh(t, nil, "sRefreshToken=old.first.5", "sAccessToken=eyJhbGciOiJIUzI1NiJ9.e30.x")
			require.NoError(t, err)
			require.Equal(t, "ada", sess.UserID())
			var payload struct{ Role string }
			require.NoError(t, sess.Payload(&payload))
			require.Equal(t, "editor", payload.Role)
			var data struct{ Cart []int }
			require.NoError(t, sess.Data(t.Context(), &data))
			require.Equal(t, []int{1, 2}, data.Cart)
			list := k.devicesOfAda(t)
			require.Len(t, list, 1)
			require.Equal(t, k.clock.Now().Add(-24*time.Hour).UnixMilli(), list[0].CreatedAt.UnixMilli(), "the sign-in was there")
			require.Equal(t, 1, k.count(session.EventImported))

			access, refresh := out.value("sAccessToken"), out.value("sRefreshToken")
			_, err = k.verify(t, nil, "sAccessToken="+access)
			require.NoError(t, err)
			require.Equal(t, 1, k.count(session.EventPromoted))
			_, _, err = k.refresh(t, nil, "sRefreshToken="+refresh)
			require.NoError(t, err)
			require.Len(t, k.devicesOfAda(t), 1)
		})
	}
}

// Tabs, retries and lost answers get one session, and each of them can go on.
func TestImport_converges(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	var all sync.WaitGroup
	handles, tokens := make([]string, 16), make([]string, 16)
	for i := range handles {
		all.Go(func() {
			got, err := k.Refresh(t.Context(), fmt.Sprint("old.first.", 5+i%2)) // the current one and its child
			if err == nil {
				handles[i], tokens[i] = got.Session.Handle(), got.Refresh.Value
			}
		})
	}
	all.Wait()
	for i := range handles {
		require.Equal(t, handles[0], handles[i])
		require.NotEmpty(t, tokens[i])
	}
	require.Len(t, k.devicesOfAda(t), 1)
	k.clock.Advance(time.Hour)
	_, err := k.Refresh(t.Context(), "old.first.5")
	require.NoError(t, err, "an hour later: all answers were lost")
	next, err := k.Refresh(t.Context(), tokens[7])
	require.NoError(t, err, "whichever answer arrived")
	require.NotEmpty(t, next.Refresh.Value)
}

// Once an answer was used, the earlier system's token is one that was replaced.
func TestImport_theft(t *testing.T) {
	t.Parallel()
	t.Run("the thief comes second", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		mine, err := k.Refresh(t.Context(), "old.first.6")
		require.NoError(t, err)
		_, _, err = k.Verify(t.Context(), mine.Access.Value, mine.AntiCSRF)
		require.NoError(t, err)
		_, err = k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		_, err = k.Refresh(t.Context(), mine.Refresh.Value)
		require.ErrorIs(t, err, errors.ErrSessionRevoked)
		require.Equal(t, 1, k.count(session.EventTheft))
	})
	t.Run("both come at once, and go on", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		mine, err := k.Refresh(t.Context(), "old.first.6")
		require.NoError(t, err)
		thiefs, err := k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err)
		_, err = k.Refresh(t.Context(), mine.Refresh.Value)
		require.NoError(t, err)
		_, err = k.Refresh(t.Context(), thiefs.Refresh.Value)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
	})
	// It had been replaced before the move: the victim has not been here yet.
	t.Run("the thief comes first, with a token that was replaced there", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		_, out, err := k.refresh(t, nil, "sRefreshToken=old.first.4")
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		require.Negative(t, out.cookies["sRefreshToken"].MaxAge)
		_, err = k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrSessionRevoked, "the family has ended")
	})
	t.Run("window mode", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t, func(c *session.Config) { c.ConcurrentRefreshWindow = 10 * time.Second })
		mine, err := k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err)
		_, _, err = k.Verify(t.Context(), mine.Access.Value, mine.AntiCSRF)
		require.NoError(t, err)
		_, err = k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err, "a slow tab, within the window")
		k.clock.Advance(11 * time.Second)
		_, err = k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrTokenTheft)
	})
}

// What was ended here does not come back, nor what was ended there.
func TestImport_ended(t *testing.T) {
	t.Parallel()
	t.Run("signed out here", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t, func(c *session.Config) { c.RefreshTokenValidity, c.Cleanup.Every = 24*time.Hour, session.Off })
		got, err := k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err)
		_, err = k.Revoke(t.Context(), got.Session.Handle())
		require.NoError(t, err)
		for range 49 { // its row outlives the earlier system's, whatever the idle time here
			k.clock.Advance(24 * time.Hour)
			_, err := k.store.DeleteEnded(t.Context(), models.EndedSessions{Before: k.clock.Now().UnixMilli(), Limit: 100})
			require.NoError(t, err)
			_, err = k.Refresh(t.Context(), "old.first.5")
			require.ErrorIs(t, err, errors.ErrSessionRevoked)
		}
		k.clock.Advance(2 * 24 * time.Hour)
		_, err = k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrUnauthorised)
	})
	t.Run("signed out there", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		_, out, err := k.refresh(t, nil, "sRefreshToken=old.gone.5")
		require.ErrorIs(t, err, errors.ErrSessionNotFound)
		require.Negative(t, out.cookies["sRefreshToken"].MaxAge, "as the earlier system would")
	})
	t.Run("it has lived too long for this system", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t, func(c *session.Config) { c.SessionLifetime = 12 * time.Hour })
		_, err := k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrSessionExpired)
	})
	t.Run("RevokeAll", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		k.old.signIn("second", "ada")
		k.old.signIn("others", "bob")
		got, err := k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err)
		n, err := k.RevokeOthers(t.Context(), "ada", got.Session.Handle())
		require.NoError(t, err)
		require.Zero(t, n)
		_, err = k.Refresh(t.Context(), "old.second.5")
		require.ErrorIs(t, err, errors.ErrUnauthorised, "it had not come over yet")
		_, err = k.Refresh(t.Context(), got.Refresh.Value)
		require.NoError(t, err)
		_, err = k.Refresh(t.Context(), "old.others.5")
		require.NoError(t, err)
	})
	t.Run("RevokeAll while it is taken over", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		once := sync.Once{}
		k.old.asked = func() {
			once.Do(func() { delete(k.old.sessions, "first") }) // between being read and being stored
		}
		_, err := k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrUnauthorised)
		require.Empty(t, k.devicesOfAda(t))
	})
	t.Run("an answer was lost, and there it has expired since", func(t *testing.T) {
		t.Parallel()
		k := newImportKit(t)
		got, err := k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err)
		k.clock.Advance(51 * 24 * time.Hour)
		_, err = k.Refresh(t.Context(), "old.first.5")
		require.ErrorIs(t, err, errors.ErrSessionNotFound, "as it would be there")
		_, err = k.Refresh(t.Context(), got.Refresh.Value)
		require.NoError(t, err, "the answer that arrived")
	})
}

// No session, a reason that can be counted, and nothing is deleted: neither there nor
// in the browser.
func TestImport_refused(t *testing.T) {
	t.Parallel()
	reserved := func(k *importKit) { k.old.sessions["first"].Payload = map[string]any{"exp": 1} }
	for name, row := range map[string]struct {
		token   string
		before  func(k *importKit)
		change  func(c *session.Config)
		reasons []error
	}{
		"after Sunset": {
			token: "old.first.5", before: func(k *importKit) { k.clock.Advance(60 * 24 * time.Hour) },
			reasons: []error{errors.ErrImportOver, errors.ErrTokenMalformed},
		},
		"a replaced one after Sunset": {
			token: "old.first.3", before: func(k *importKit) { k.clock.Advance(61 * 24 * time.Hour) },
			reasons: []error{errors.ErrImportOver},
		},
		"reserved names":  {token: "old.first.5", before: reserved, reasons: []error{errors.ErrImportRefused, errors.ErrReservedClaim}},
		"an unknown key":  {token: "new.first.5", reasons: []error{errors.ErrTokenMalformed}},
		"no token at all": {token: "x", reasons: []error{errors.ErrTokenMalformed}},
		"longer than any cookie": {
			token: "old.first." + strings.Repeat("5", 4096), reasons: []error{errors.ErrTokenMalformed},
		},
		"a user id that cannot be": {
			token: "old.first.5", before: func(k *importKit) { k.old.sessions["first"].UserID = "" },
			reasons: []error{errors.ErrImportRefused, errors.ErrUserIDInvalid},
		},
		"no time of creation": {
			token: "old.first.5", before: func(k *importKit) { k.old.sessions["first"].CreatedAt = time.Time{} },
			reasons: []error{errors.ErrImportRefused},
		},
		"no JSON": {
			token: "old.first.5", before: func(k *importKit) { k.old.sessions["first"].Data = json.RawMessage("{") },
			reasons: []error{errors.ErrImportRefused, errors.ErrValueNotJSON},
		},
		"a payload that fits no cookie": {
			token: "old.first.5", before: func(k *importKit) { k.old.sessions["first"].Payload = strings.Repeat("x", 4000) },
			reasons: []error{errors.ErrImportRefused, errors.ErrCookieTooLarge},
		},
		"Convert refuses": {
			token: "old.first.5", reasons: []error{errors.ErrImportRefused, errConvert},
			change: func(c *session.Config) {
				c.Import.Convert = func(context.Context, *session.Imported) error { return errConvert }
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var counted []error
			k := newImportKit(t, func(c *session.Config) {
				c.OnRefusal = func(_ *http.Request, err error) { counted = append(counted, err) }
				if row.change != nil {
					row.change(c)
				}
			})
			if row.before != nil {
				row.before(k)
			}
			_, out, err := k.refresh(t, nil, "sRefreshToken="+row.token)
			require.ErrorIs(t, err, errors.ErrUnauthorised)
			require.NotErrorIs(t, err, errors.ErrGeneral)
			for _, reason := range row.reasons {
				require.ErrorIs(t, err, reason)
			}
			require.Len(t, counted, 1)
			require.Empty(t, out.cookies)
			require.Empty(t, k.devicesOfAda(t))
			require.Len(t, k.old.sessions, 1)
		})
	}
}

var errConvert = errors.New("not this one")

// What has a reserved name can be renamed. Nothing else of the session can be changed.
func TestImport_convert(t *testing.T) {
	t.Parallel()
	k := newImportKit(t, func(c *session.Config) {
		c.Import.Convert = func(_ context.Context, old *session.Imported) error {
			old.Payload = map[string]any{"expires": old.Payload.(map[string]any)["exp"]}
			old.UserID, old.Handle = "mallory", "other"
			return nil
		}
	})
	k.old.sessions["first"].Payload = map[string]any{"exp": 7}
	got, err := k.Refresh(t.Context(), "old.first.5")
	require.NoError(t, err)
	require.Equal(t, "ada", got.Session.UserID())
	var payload map[string]int
	require.NoError(t, got.Session.Payload(&payload))
	require.Equal(t, map[string]int{"expires": 7}, payload)
}

// While the earlier database cannot be asked, nobody is signed out.
func TestImport_unavailable(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	k.old.fails = errors.New("connection refused")
	_, out, err := k.refresh(t, nil, "sRefreshToken=old.first.5")
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Empty(t, out.cookies)
	_, err = k.RevokeAll(t.Context(), "ada")
	require.ErrorIs(t, err, errors.ErrUnavailable, "what is there would live on")
}

// An importer costs nothing where the tokens are ours, or the request is no refresh.
func TestImport_isNotAskedForOurs(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	tokens, err := k.Create(t.Context(), "bob")
	require.NoError(t, err)
	_, _, err = k.refresh(t, nil, "sRefreshToken="+tokens.Refresh.Value)
	require.NoError(t, err)
	_, _, err = k.refresh(t, nil, "sRefreshToken=old.first.5", "sRefreshToken="+tokens.Refresh.Value)
	require.NoError(t, err)
	_, err = k.verify(t, nil, "sAccessToken=old.first.5")
	require.ErrorIs(t, err, errors.ErrTryRefreshToken, "which brings the client to the refresh")
	require.Zero(t, k.old.calls)
}

// Which of several cookies counts.
func TestImport_cookies(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	k.old.signIn("planted", "mallory")
	sess, _, err := k.refresh(t, nil, "sRefreshToken=old.first.3", "sRefreshToken=junk", "sRefreshToken=old.first.5")
	require.NoError(t, err, "an old copy is no theft")
	require.Equal(t, "ada", sess.UserID())
	_, _, err = k.refresh(t, nil, "sRefreshToken=old.first.5", "sRefreshToken=old.planted.5")
	require.ErrorIs(t, err, errors.ErrTokenDuplicated)
	bob, err := k.Create(t.Context(), "bob")
	require.NoError(t, err)
	_, out, err := k.refresh(t, nil, "sRefreshToken=old.planted.5", "sAccessToken="+bob.Access.Value)
	require.ErrorIs(t, err, errors.ErrTokenDuplicated, "who is signed in stays who it is")
	require.Empty(t, out.cookies)
	// A foreign page.
	_, _, err = k.refresh(t, map[string]string{"Sec-Fetch-Site": "cross-site"}, "sRefreshToken=old.first.5")
	require.ErrorIs(t, err, errors.ErrCrossOrigin)
}

// Tokens in headers are taken over into headers, and a gateway's own token is none.
func TestImport_header(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	sess, out, err := k.refresh(t, map[string]string{"Authorization": "Bearer old.first.5", "st-auth-mode": "header"})
	require.NoError(t, err)
	require.Equal(t, "ada", sess.UserID())
	require.NotEmpty(t, out.header.Get("st-refresh-token"))
	require.Empty(t, out.cookies)
	_, _, err = k.refresh(t, map[string]string{"Authorization": "Bearer gateway"})
	require.ErrorIs(t, err, errors.ErrTokenMissing)
}

// The token in the header counts before cookies that nobody has removed.
func TestImport_headerBesideCookies(t *testing.T) {
	t.Parallel()
	for _, beside := range []string{"old.ended.5", "old.second.5", "", "junk"} {
		k := newImportKit(t)
		k.old.signIn("second", "mallory")
		header := map[string]string{"Authorization": "Bearer old.first.5", "st-auth-mode": "header"}
		sess, out, err := k.refresh(t, header, "sRefreshToken="+beside)
		require.NoError(t, err, beside)
		require.Equal(t, "ada", sess.UserID())
		require.NotEmpty(t, out.header.Get("st-refresh-token"))
	}
	k := newImportKit(t)
	sess, _, err := k.refresh(t, map[string]string{"Authorization": "Bearer gateway"}, "sRefreshToken=old.first.5")
	require.NoError(t, err)
	require.Equal(t, "ada", sess.UserID())
}

// A client that keeps its tokens itself is told why it gets none, and is not told to
// forget what it has: its session may come over once an administrator has mended what
// stands in its way.
func TestImport_headerRefused(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	k.old.signIn("reserved", "ada")
	k.old.sessions["reserved"].Payload = map[string]any{"sub": "x"}
	refused := func(text string, want error) {
		t.Helper()
		_, out, err := k.refresh(t, map[string]string{"Authorization": "Bearer " + text, "st-auth-mode": "header"})
		require.ErrorIs(t, err, want)
		require.Empty(t, out.header.Values("front-token"))
		require.Empty(t, out.header.Values("st-refresh-token"))
	}
	refused("some.other", errors.ErrTokenMalformed)
	refused("old.reserved.5", errors.ErrImportRefused)
	k.clock.Advance(61 * 24 * time.Hour)
	refused("old.first.5", errors.ErrImportOver)
}

// The anti-CSRF token of the earlier system's page is nobody's here; the origin
// decides.
func TestImport_antiCSRFOnRefresh(t *testing.T) {
	t.Parallel()
	k := newImportKit(t, func(c *session.Config) { c.AntiCSRF.OnRefresh = true })
	_, out, err := k.refresh(t, map[string]string{"anti-csrf": "of the earlier system"}, "sRefreshToken=old.first.5")
	require.NoError(t, err)
	require.NotEmpty(t, out.header.Get("anti-csrf"))
}

// Another key makes another session of the same tokens: two processes must have one.
func TestImport_keyDecides(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	a := newImportKitOn(t, store)
	b := newImportKitOn(t, store)
	c := newImportKitOn(t, store, func(c *session.Config) { c.Import.Key = []byte(strings.Repeat("another key.", 3)) })
	var handles []string
	for _, k := range []*importKit{a, b, c} {
		got, err := k.Refresh(t.Context(), "old.first.5")
		require.NoError(t, err)
		handles = append(handles, got.Session.Handle())
	}
	require.Equal(t, handles[0], handles[1])
	require.NotEqual(t, handles[0], handles[2])
}

// An imported session prints nothing of what it holds.
func TestImported_isHidden(t *testing.T) {
	t.Parallel()
	old := session.Imported{UserID: "ada", Payload: "secret", Data: "secret"}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", old, &old, old), "secret")
}
