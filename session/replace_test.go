package session_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// replacing is a handler that replaces the session of its request.
func replacing(t *testing.T, rig *testpage.Rig, opts ...session.ReplaceOption) (http.HandlerFunc, *session.Tokens) {
	t.Helper()
	tokens := new(session.Tokens)
	return func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		got, err := sess.Replace(r.Context(), opts...)
		require.NoError(t, err)
		*tokens = *got
		now := rig.Svc.Exchange(w, r).Session()
		require.Equal(t, got.Session.Handle(), now.Handle(), "it is the request's from now on")
		require.True(t, now.Sent())
	}, tokens
}

// replace has a page replace its session.
func replace(t *testing.T, page *testpage.Page, opts ...session.ReplaceOption) *session.Tokens {
	t.Helper()
	handler, tokens := replacing(t, page.Rig, opts...)
	page.Do(t, http.MethodPost, handler)
	return tokens
}

// use has a page use its access token; the status is that of the answer.
func use(t *testing.T, page *testpage.Page, opts ...session.VerifyOption) int {
	t.Helper()
	reached := 0
	return page.Do(t, http.MethodGet, page.Rig.Guarded(&reached, opts...)).Code
}

func refreshes(t *testing.T, page *testpage.Page) int {
	t.Helper()
	return page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		if _, err := page.Rig.Svc.RefreshHTTP(w, r); err != nil {
			page.Rig.Svc.WriteError(w, r, err)
		}
	}).Code
}

// copied is a page of somebody who copied the cookies.
func copied(page *testpage.Page) *testpage.Page {
	return &testpage.Page{Rig: page.Rig, Cookies: maps.Clone(page.Cookies), Header: page.Header.Clone()}
}

func rowOf(t *testing.T, rig *testpage.Rig, handle string) *models.Session {
	t.Helper()
	row, err := rig.Store.Find(t.Context(), handle)
	require.NoError(t, err)
	require.NotNil(t, row)
	return row
}

func handlesIn(t *testing.T, rig *testpage.Rig, userID string) []string {
	t.Helper()
	handles := []string{}
	list, err := rig.Svc.List(t.Context(), userID)
	require.NoError(t, err)
	for _, d := range list {
		handles = append(handles, d.Handle)
	}
	return handles
}

// What the next session has, and who is in which list when.
func TestReplace_continues(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t, session.WithPayload(map[string]any{"theme": "dark"}), session.WithData("cart"),
		session.WithDevice("Firefox", "192.0.2.7"), session.Authenticated("pwd"), session.Level(1))
	old := handlesIn(t, rig, "user-1")[0]
	_, err := rig.Svc.SetLabel(t.Context(), "user-1", old, "kitchen")
	require.NoError(t, err)
	before := rowOf(t, rig, old)

	rig.Clock.Advance(20 * time.Minute)
	next := replace(t, page, session.Authenticated("pwd", "otp"), session.Level(2)).Session
	row := rowOf(t, rig, next.Handle())
	require.NotEqual(t, old, next.Handle())
	require.Equal(t, old, row.Origin)
	require.True(t, row.Flags.Has(models.FlagPending))
	require.Equal(t, before.ExpiresAt, row.ExpiresAt, "no longer than the row that says what became of the old one")
	require.Equal(t, []any{before.UserID, before.Payload, before.Data, before.Label, before.UserAgent, before.IP, before.CreatedAt, before.AbsoluteExpiresAt},
		[]any{row.UserID, row.Payload, row.Data, row.Label, row.UserAgent, row.IP, row.CreatedAt, row.AbsoluteExpiresAt})
	require.Equal(t, []any{rig.Clock.Now().UnixMilli(), "pwd otp", 2}, []any{row.AuthAt, row.AMR, row.Level})

	require.Equal(t, []string{old}, handlesIn(t, rig, "user-1"), "what waits is in no list")
	_, err = rig.Svc.Get(t.Context(), next.Handle())
	require.ErrorIs(t, err, errors.ErrSessionNotFound)
	all, err := rig.Svc.Sessions(t.Context(), session.Filter{All: true}, "", 10)
	require.NoError(t, err)
	require.Len(t, all.Sessions, 1)

	require.Equal(t, http.StatusOK, use(t, page, session.RequireLevel(2), session.RequireRecentAuth(time.Minute)))
	require.Equal(t, []string{next.Handle()}, handlesIn(t, rig, "user-1"))
	row = rowOf(t, rig, next.Handle())
	require.False(t, row.Flags.Has(models.FlagPending))
	require.Equal(t, testpage.IdleEnd(rig.Clock.Now(), 100*24*time.Hour).UnixMilli(), row.ExpiresAt)
	gone := rowOf(t, rig, old)
	require.Equal(t, []any{models.RevokedByReplacement, next.Handle()}, []any{gone.RevokeReason, gone.Origin})

	rig.Store.Arm()
	require.Equal(t, http.StatusOK, use(t, page))
	require.Empty(t, rig.Store.Counts(), "the token has been signed anew")
}

// What options do not speak of is kept; plain Replace is no proof of identity.
func TestReplace_keepsTheProof(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t, session.Authenticated("pwd"), session.Level(2), session.BrowserSession(),
		session.WithLifetime(2*time.Hour, 0))
	rig.Clock.Advance(time.Minute)
	next := replace(t, page, session.WithPayload(map[string]int{"a": 1}), session.WithData(nil), session.WithDevice("New", ""))
	row := rowOf(t, rig, next.Session.Handle())
	require.Equal(t, []any{testpage.Epoch.UnixMilli(), "pwd", 2}, []any{row.ProvenAt(), row.AMR, row.Level})
	require.Equal(t, models.FlagBrowserSession|models.FlagPending, row.Flags)
	require.Equal(t, (2 * time.Hour).Milliseconds(), row.IdleMillis)
	require.Equal(t, []string{`{"a":1}`, `null`, "New"}, []string{string(row.Payload), string(row.Data), row.UserAgent})
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, 0, rowOf(t, rig, replace(t, page, session.Level(0)).Session.Handle()).Level, "a privilege can be dropped")
}

// A lost answer costs nothing, however often and however late: the old session goes on.
func TestReplace_lostAnswers(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	old := handlesIn(t, rig, "user-1")
	for range 5 {
		lost := copied(page)
		replace(t, lost) // its cookies are what nobody gets
		require.Equal(t, http.StatusOK, use(t, page))
		rig.Clock.Advance(2 * time.Hour)
		require.Equal(t, http.StatusOK, refreshes(t, page))
		require.Equal(t, http.StatusOK, use(t, page))
		require.Equal(t, old, handlesIn(t, rig, "user-1"))
	}
	replace(t, page)
	rig.Clock.Advance(3 * time.Hour) // the access token is over before it was ever used
	require.Equal(t, http.StatusUnauthorized, use(t, page))
	require.Equal(t, http.StatusOK, refreshes(t, page), "a refresh is a first use too")
	require.Equal(t, http.StatusOK, use(t, page))
	require.NotEqual(t, old, handlesIn(t, rig, "user-1"))
	require.Len(t, handlesIn(t, rig, "user-1"), 1)
}

// The thief of the old tokens has nothing once the new ones were used, and is no theft.
func TestReplace_thief(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]session.RevocationMode{
		"at expiry": session.RevokeAtExpiry, "immediately": session.RevokeImmediately,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var thefts int
			rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
				Revocation: mode, Cleanup: session.CleanupConfig{Every: session.Off},
				OnEvent: func(e session.Event) {
					if e.Kind == session.EventTheft {
						thefts++
					}
				},
			})
			page, _ := rig.SignIn(t)
			thief := copied(page)
			require.Equal(t, http.StatusOK, refreshes(t, thief), "it has a branch that it has not used yet")
			replace(t, page, session.Authenticated("pwd"))
			require.Equal(t, http.StatusOK, use(t, page))

			had := len(thief.Cookies)
			require.Equal(t, http.StatusUnauthorized, use(t, thief), "its first use would have to promote")
			require.Equal(t, http.StatusUnauthorized, refreshes(t, thief))
			require.Len(t, thief.Cookies, had, "nothing is cleared: a browser may have the next tokens by then")
			require.Zero(t, thefts)
			require.Equal(t, http.StatusOK, use(t, page))
			require.Equal(t, http.StatusOK, refreshes(t, page))
			require.Equal(t, http.StatusOK, use(t, page))
		})
	}
}

// What the old session was ended for ends the one that waits: it has no future.
func TestReplace_endsWithItsOrigin(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *testpage.Page, string){
		"sign-out": func(t *testing.T, old *testpage.Page, _ string) {
			old.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) { require.NoError(t, old.Rig.Svc.SignOutHTTP(w, r)) })
		},
		"by handle": func(t *testing.T, old *testpage.Page, handle string) {
			_, err := old.Rig.Svc.Revoke(t.Context(), handle)
			require.NoError(t, err)
		},
		"revoke all": func(t *testing.T, old *testpage.Page, _ string) {
			_, err := old.Rig.Svc.RevokeAll(t.Context(), "user-1")
			require.NoError(t, err)
		},
		"theft": func(t *testing.T, old *testpage.Page, _ string) {
			thief := copied(old)
			require.Equal(t, http.StatusOK, refreshes(t, old))
			require.Equal(t, http.StatusOK, use(t, old))
			require.Equal(t, http.StatusUnauthorized, refreshes(t, thief))
		},
	} {
		for first, do := range map[string]func(*testing.T, *testpage.Page) int{
			"use": func(t *testing.T, p *testpage.Page) int { return use(t, p) }, "refresh": refreshes,
		} {
			t.Run(name+", then "+first, func(t *testing.T) {
				t.Parallel()
				rig := testpage.New(t)
				page, _ := rig.SignIn(t)
				handle := handlesIn(t, rig, "user-1")[0]
				old := copied(page)
				next := replace(t, page).Session.Handle()
				end(t, old, handle)
				require.Equal(t, http.StatusUnauthorized, do(t, page))
				require.Empty(t, page.Cookies, "it is over")
				require.NotZero(t, rowOf(t, rig, next).RevokedAt)
				require.Empty(t, handlesIn(t, rig, "user-1"))
			})
		}
	}
}

// Two tabs replace at once: whichever pair the browser keeps, the user is in, and after
// a minute there is one session.
func TestReplace_twoTabs(t *testing.T) {
	t.Parallel()
	for name, keepsFirst := range map[string]bool{"the pair used first is kept": true, "the other one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := testpage.New(t)
			page, _ := rig.SignIn(t)
			other := copied(page)
			first, second := replace(t, page).Session.Handle(), replace(t, other).Session.Handle()
			require.Equal(t, http.StatusOK, use(t, page))
			require.Equal(t, http.StatusOK, use(t, other), "a request that was under way with the other pair")
			require.Equal(t, []string{first}, handlesIn(t, rig, "user-1"))
			jar, want := page, first
			if !keepsFirst {
				jar, want = other, second
			}
			require.Equal(t, http.StatusOK, use(t, jar))
			require.Equal(t, http.StatusOK, refreshes(t, jar), "within the minute too")
			require.Equal(t, http.StatusOK, use(t, jar))
			rig.Clock.Advance(2 * time.Minute)
			require.Equal(t, http.StatusOK, use(t, jar))
			require.Equal(t, []string{want}, handlesIn(t, rig, "user-1"))
			rig.Clock.Advance(2 * time.Hour)
			require.Equal(t, http.StatusOK, refreshes(t, jar))
			require.Equal(t, http.StatusOK, use(t, jar))
			require.Equal(t, []string{want}, handlesIn(t, rig, "user-1"))
		})
	}
}

// Signing out with a pair that shares the place ends what has it, or a session of the
// browser would live on.
func TestReplace_signOutOfASharedPlace(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	other := copied(page)
	replace(t, page)
	replace(t, other)
	require.Equal(t, http.StatusOK, use(t, page))
	other.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) { require.NoError(t, rig.Svc.SignOutHTTP(w, r)) })
	require.Empty(t, other.Cookies)
	require.Empty(t, handlesIn(t, rig, "user-1"))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, page))
}

// A sign-out with the token of a session that was replaced meanwhile: the one to sign
// out of is the next.
func TestReplace_signOutOfTheOldOne(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	late := copied(page)
	replace(t, page)
	require.Equal(t, http.StatusOK, use(t, page))
	had := len(late.Cookies)
	late.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, rig.Svc.SignOutHTTP(w, r), errors.ErrTryRefreshToken)
	})
	require.Len(t, late.Cookies, had)
	require.Equal(t, http.StatusOK, use(t, page))
}

// The answer of the old session came after that of the Replace: its access cookie is
// beside the new refresh cookie.
func TestReplace_lateAnswer(t *testing.T) {
	t.Parallel()
	for name, prefixes := range map[string]session.PrefixMode{"plain names": session.PrefixOff, "bound to the host": session.PrefixHost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
				Cookie: session.CookieConfig{Prefixes: prefixes}, Cleanup: session.CleanupConfig{Every: session.Off},
			})
			page, _ := rig.SignIn(t)
			late := copied(page)
			late.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
				sess, err := rig.Svc.VerifyHTTP(w, r)
				require.NoError(t, err)
				_, err = sess.MergePayload(r.Context(), map[string]any{"a": 1})
				require.NoError(t, err)
			})
			stranger, _ := rig.SignIn(t)
			strange := copied(page)
			replace(t, page)
			access := ""
			for cookie := range page.Cookies {
				if cookie == "sAccessToken" || cookie == "__Host-sAccessToken" {
					access = cookie
				}
			}
			require.NotEmpty(t, access)
			page.Cookies[access] = late.Cookies[access]
			require.Equal(t, http.StatusOK, use(t, page), "it is good while its session lives")
			require.Equal(t, http.StatusOK, refreshes(t, page))
			require.Equal(t, http.StatusOK, use(t, page))

			strange.Cookies[access] = stranger.Cookies[access]
			require.Equal(t, http.StatusUnauthorized, refreshes(t, strange), "of another session it would be somebody else's")
		})
	}
}

// A fourth Replace whose predecessors nobody used waits, and ends the oldest later.
func TestReplace_atMostThreeWait(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	var waiting []string
	for range 3 {
		waiting = append(waiting, replace(t, copied(page)).Session.Handle())
		rig.Clock.Advance(time.Second)
	}
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		_, err = sess.Replace(r.Context())
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.ErrorIs(t, err, errors.ErrConflict)
	})
	rig.Clock.Advance(time.Minute)
	replace(t, page)
	require.NotZero(t, rowOf(t, rig, waiting[0]).RevokedAt)
	require.Zero(t, rowOf(t, rig, waiting[1]).RevokedAt)
	require.Equal(t, http.StatusOK, use(t, page))
}

// At once: the old session, and what else waits for its place, is over before anybody
// has the answer.
func TestReplace_atOnce(t *testing.T) {
	t.Parallel()
	rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
		Revocation: session.RevokeImmediately, Cleanup: session.CleanupConfig{Every: session.Off},
	})
	page, _ := rig.SignIn(t, session.Level(2))
	privileged, waiting := copied(page), copied(page)
	replace(t, waiting)
	next := replace(t, page, session.ReplaceAtOnce(), session.Level(0)).Session.Handle()
	require.Equal(t, []string{next}, handlesIn(t, rig, "user-1"))
	require.Equal(t, http.StatusUnauthorized, use(t, privileged))
	require.Equal(t, http.StatusUnauthorized, use(t, waiting))
	rig.Clock.Advance(2 * time.Minute)
	require.Equal(t, http.StatusUnauthorized, use(t, waiting), "later neither")
	require.Equal(t, http.StatusUnauthorized, refreshes(t, waiting))
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, []string{next}, handlesIn(t, rig, "user-1"))

	// Two at once: one of them wins, the other one's answer is that of a replaced session.
	loser := copied(page)
	replace(t, page, session.ReplaceAtOnce())
	loser.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.VerifyHTTP(w, r)
		require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	})
}

// After a change of password this device stays, and a thief of its tokens does not.
func TestReplace_thenRevokeOthers(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	elsewhere, _ := rig.SignIn(t)
	thief := copied(page)
	next := replace(t, page, session.Authenticated("pwd")).Session.Handle()
	ended, err := rig.Svc.RevokeOthers(t.Context(), "user-1", next)
	require.NoError(t, err)
	require.Equal(t, 1, ended)
	require.Equal(t, []string{next}, handlesIn(t, rig, "user-1"))
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, elsewhere))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, thief))
	require.Equal(t, http.StatusOK, refreshes(t, page))
}

// An attacker plants the cookies of his visitor's session; the victim signs in. What
// the attacker has is worthless afterwards.
func TestReplace_fixation(t *testing.T) {
	t.Parallel()
	rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
		Revocation: session.RevokeImmediately, Cleanup: session.CleanupConfig{Every: session.Off},
	})
	attacker := &testpage.Page{Rig: rig, Cookies: map[string]string{}, Header: http.Header{}}
	attacker.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.CreateAnonymousHTTP(w, r, session.WithData([]string{"planted"}), session.WithPayload(map[string]any{"admin": true}))
		require.NoError(t, err)
	})
	victim := copied(attacker)
	next := replace(t, victim, session.As("victim"), session.Authenticated("pwd"),
		session.MergeData(func(visitor json.RawMessage) (any, error) {
			require.JSONEq(t, `["planted"]`, string(visitor))
			return map[string]any{"cart": visitor}, nil
		})).Session
	require.Equal(t, "victim", next.UserID())
	require.False(t, next.Anonymous())
	var payload map[string]any
	require.NoError(t, next.Payload(&payload))
	require.Empty(t, payload, "nothing of a visitor's payload passes to a user")
	row := rowOf(t, rig, next.Handle())
	require.JSONEq(t, `{"cart":["planted"]}`, string(row.Data))
	require.Equal(t, []any{models.FlagPending | models.FlagSignIn, int64(0)}, []any{row.Flags, row.IdleMillis})

	require.Equal(t, http.StatusOK, use(t, victim, session.RequireUser()))
	require.Equal(t, http.StatusUnauthorized, use(t, attacker))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, attacker))
	require.Equal(t, []string{next.Handle()}, handlesIn(t, rig, "victim"))

	// What the attacker makes of the same visitor is nothing that may come beside the
	// victim's access token.
	victim.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		_, err = sess.Replace(r.Context(), session.As("mallory"))
		require.ErrorIs(t, err, errors.ErrInvalidInput, "from one user to another nothing passes")
	})
	require.Equal(t, http.StatusOK, use(t, victim))
}

// A sign-in as a visitor counts as every other.
func TestReplace_asCounts(t *testing.T) {
	t.Parallel()
	var created int
	rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
		MaxSessions: session.LimitConfig{N: 1}, Cleanup: session.CleanupConfig{Every: session.Off},
		OnEvent: func(e session.Event) {
			if e.Kind == session.EventCreated && e.UserID == "user-1" {
				created++
			}
		},
	})
	elsewhere, _ := rig.SignIn(t)
	page := &testpage.Page{Rig: rig, Cookies: map[string]string{}, Header: http.Header{}}
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.CreateAnonymousHTTP(w, r)
		require.NoError(t, err)
	})
	next := replace(t, page, session.As("user-1")).Session.Handle()
	require.Equal(t, 2, created)
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, []string{next}, handlesIn(t, rig, "user-1"))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, elsewhere))

	replace(t, page)
	require.Equal(t, http.StatusOK, use(t, page), "what waits does not count")
	require.Len(t, handlesIn(t, rig, "user-1"), 1)
}

// Somebody signs in in a browser whose Replace was not used yet: both sessions end.
func TestReplace_thenSignIn(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	replace(t, page)
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.CreateHTTP(w, r, "user-2")
		require.NoError(t, err)
	})
	require.Empty(t, handlesIn(t, rig, "user-1"))
	require.Equal(t, http.StatusOK, use(t, page))
}

// A second Replace in the same request continues the same old session.
func TestReplace_twiceInOneRequest(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		next, err := sess.Replace(r.Context())
		require.NoError(t, err)
		_, err = next.Session.Replace(r.Context(), session.Level(1))
		require.NoError(t, err)
	})
	require.Equal(t, http.StatusOK, use(t, page, session.RequireLevel(1)))
	require.Len(t, handlesIn(t, rig, "user-1"), 1)
}

// Statements: what Replace costs, and what the first use does.
func TestReplace_statements(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	counted := func(do func()) map[string]int {
		rig.Store.Arm()
		do()
		return rig.Store.Counts()
	}
	page, _ := rig.SignIn(t)
	require.Equal(t, map[string]int{"Find": 2, "List": 1, "Insert": 1}, counted(func() { replace(t, page) }))
	require.Equal(t, map[string]int{"Find": 1, "Revoke": 1, "Confirm": 1}, counted(func() { use(t, page) }))
	require.Empty(t, counted(func() { use(t, page) }))
	require.Equal(t, map[string]int{"Find": 1, "List": 1, "Insert": 1, "Revoke": 1, "Confirm": 1},
		counted(func() { replace(t, page, session.ReplaceAtOnce()) }))
	require.Empty(t, counted(func() { use(t, page) }))
	replace(t, page)
	require.Equal(t, map[string]int{"Find": 2, "Revoke": 1, "Confirm": 1}, counted(func() { refreshes(t, page) }))
}
