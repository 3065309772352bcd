package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// protected asks the route that demands opts as the owner of the tokens.
func (k *kit) protected(t *testing.T, access string, opts ...session.VerifyOption) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/delete", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	w := httptest.NewRecorder()
	k.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), opts...).ServeHTTP(w, r)
	return w
}

const (
	staleBody = `{"claimValidationErrors":[{"id":"auth_time","reason":{"message":"authenticate again","max_age":600}}],"message":"invalid claim"}`
	lowBody   = `{"claimValidationErrors":[{"id":"acr","reason":{"message":"authenticate at a higher level","acr":"2"}}],"message":"invalid claim"}`
	bothBody  = `{"claimValidationErrors":[{"id":"auth_time","reason":{"message":"authenticate again","max_age":600}},` +
		`{"id":"acr","reason":{"message":"authenticate at a higher level","acr":"2"}}],"message":"invalid claim"}`
	userBody = `{"claimValidationErrors":[{"id":"user","reason":{"message":"sign in"}}],"message":"invalid claim"}`

	// RFC 9470, section 3.
	challenged    = `Bearer error="insufficient_user_authentication"`
	challengeAge  = challenged + `, max_age="600"`
	challengeACR  = challenged + `, acr_values="2"`
	challengeBoth = challenged + `, max_age="600", acr_values="2"`
)

func TestStepUp_refusals(t *testing.T) {
	t.Parallel()
	recent := session.RequireRecentAuth(10 * time.Minute)
	two := session.RequireLevel(2)
	for name, row := range map[string]struct {
		demands         []session.VerifyOption
		age             time.Duration
		level           int
		visitor         bool
		body, challenge string // empty: it passes
	}{
		"nothing is demanded":         {age: time.Hour, visitor: true},
		"just now":                    {demands: []session.VerifyOption{recent}},
		"to the millisecond":          {demands: []session.VerifyOption{recent}, age: 10 * time.Minute},
		"a millisecond too late":      {[]session.VerifyOption{recent}, 10*time.Minute + time.Millisecond, 0, false, staleBody, challengeAge},
		"the strictest age, in front": {[]session.VerifyOption{recent, session.RequireRecentAuth(time.Hour)}, 11 * time.Minute, 0, false, staleBody, challengeAge},
		"the strictest age, at the end": {
			[]session.VerifyOption{session.RequireRecentAuth(time.Hour), recent}, 11 * time.Minute, 0, false, staleBody, challengeAge,
		},
		"the level":         {demands: []session.VerifyOption{two}, level: 2},
		"more than that":    {demands: []session.VerifyOption{two}, level: 9, age: time.Hour},
		"a level below":     {[]session.VerifyOption{two}, 0, 1, false, lowBody, challengeACR},
		"no level":          {[]session.VerifyOption{session.RequireLevel(1), two}, 0, 0, false, lowBody, challengeACR},
		"the highest level": {[]session.VerifyOption{two, session.RequireLevel(1)}, 0, 1, false, lowBody, challengeACR},
		"both":              {[]session.VerifyOption{two, recent}, time.Hour, 1, false, bothBody, challengeBoth},
		"a user":            {demands: []session.VerifyOption{session.RequireUser()}, age: time.Hour},
		"a visitor":         {[]session.VerifyOption{session.RequireUser()}, 0, 0, true, userBody, ""},
		"a visitor, who has proven nothing just now": {[]session.VerifyOption{recent}, 0, 0, true, userBody, ""},
		"a visitor has no level":                     {[]session.VerifyOption{two}, 0, 0, true, userBody, ""},
		"a visitor, whatever else is demanded":       {[]session.VerifyOption{two, recent, session.RequireUser()}, time.Hour, 0, true, userBody, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for mode, status := range map[session.StepUpMode]int{session.StepUpByClaim: http.StatusForbidden, session.StepUpRFC9470: http.StatusUnauthorized} {
				k := newKit(t, func(c *session.Config) { c.StepUp, c.AccessTokenValidity = mode, 24*time.Hour })
				tokens, err := k.Create(t.Context(), "ada", session.Level(row.level))
				if row.visitor {
					tokens, err = k.CreateAnonymous(t.Context())
					status = http.StatusForbidden // no step-up helps
				}
				require.NoError(t, err)
				k.clock.Advance(row.age)
				w := k.protected(t, tokens.Access.Value, row.demands...)
				if row.body == "" {
					require.Equal(t, http.StatusNoContent, w.Code, w.Body)
					continue
				}
				require.Equal(t, status, w.Code)
				require.Equal(t, row.body, w.Body.String())
				require.Equal(t, row.challenge, w.Header().Get("WWW-Authenticate"))
				for name := range w.Header() {
					require.NotContains(t, []string{"Set-Cookie", "Front-Token", "St-Access-Token", "Id-Refresh-Token"}, name, "nobody is signed out")
				}
				require.Equal(t, http.StatusNoContent, k.protected(t, tokens.Access.Value).Code)
			}
		})
	}
}

// The leeway is granted, in both directions: a server's clock that was ahead at the
// proof must not make that last for longer than one of now.
func TestRequireRecentAuth_clocks(t *testing.T) {
	t.Parallel()
	const leeway = 5 * time.Second
	for name, row := range map[string]struct {
		age  time.Duration
		want bool
	}{
		"old":                          {time.Minute + leeway, true},
		"too old":                      {time.Minute + leeway + time.Millisecond, false},
		"ahead by a little":            {-time.Minute, true},
		"ahead by a day, as it claims": {-24 * time.Hour, false},
	} {
		store := memstore.New()
		there := newKitOn(t, store, nil)
		k := newKitOn(t, store, nil, func(c *session.Config) { c.Leeway = leeway })
		there.clock.Set(k.clock.Now().Add(-row.age))
		tokens, err := there.Create(t.Context(), "ada")
		require.NoError(t, err)
		fresh, err := k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		w := k.protected(t, fresh.Access.Value, session.RequireRecentAuth(time.Minute))
		require.Equal(t, row.want, w.Code == http.StatusNoContent, "%s: %d", name, w.Code)
	}
}

// Demands that nobody can fulfil are found at set-up.
func TestStepUp_impossibleDemands(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for text, opts := range map[string][]session.VerifyOption{
		"RequireRecentAuth: 0s is less than a second":       {session.RequireRecentAuth(0)},
		"RequireRecentAuth: -1m0s is less than a second":    {session.RequireRecentAuth(time.Hour), session.RequireRecentAuth(-time.Minute)},
		"RequireRecentAuth: 999ms is less than a second":    {session.RequireRecentAuth(999 * time.Millisecond)},
		"RequireLevel: 0 is not between 1 and 9":            {session.RequireLevel(0)},
		"RequireLevel: 10 is not between 1 and 9":           {session.RequireLevel(1), session.RequireLevel(10)},
		"RequireRecentAuth: -2562047h47m16.854775808s is l": {session.RequireRecentAuth(-1 << 63)},
	} {
		err := k.CheckVerify(opts...)
		require.ErrorIs(t, err, errors.ErrConfig)
		require.ErrorContains(t, err, text)
		require.Panics(t, func() { k.Protect(http.NotFoundHandler(), opts...) })
	}
	require.NoError(t, k.CheckVerify(session.RequireRecentAuth(1<<63-1), session.RequireLevel(9), session.RequireUser()))
}

func TestAuthenticated_andLevel(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada", session.Authenticated("pwd", "otp"), session.Level(2))
	require.NoError(t, err)
	sess := tokens.Session
	require.Equal(t, []string{"pwd", "otp"}, sess.AMR())
	require.Equal(t, 2, sess.Level())
	require.True(t, k.clock.Now().Equal(sess.AuthenticatedAt()))
	row, err := k.store.Find(t.Context(), sess.Handle())
	require.NoError(t, err)
	require.Equal(t, "pwd otp", row.AMR)
	require.Equal(t, 2, row.Level)
	require.Zero(t, row.AuthAt)

	for name, opt := range map[string]session.CreateOption{
		"a blank in a word": session.Authenticated("pwd otp", ""), "empty": session.Authenticated("pwd", ""),
		"a quote": session.Authenticated(`pwd"`), "long": session.Authenticated(strings.Repeat("a", models.MaxAMR+1)),
		"a letter of another alphabet": session.Authenticated("пароль"),
		"level 10":                     session.Level(10), "level -1": session.Level(-1),
	} {
		_, err := k.Create(t.Context(), "ada", opt)
		require.ErrorIs(t, err, errors.ErrInvalidInput, name)
	}
	_, err = k.Create(t.Context(), "ada", session.Authenticated())
	require.NoError(t, err, "nothing was said")
}

// A refresh is no proof; three rotations, a change of the payload and a detached session
// keep when, how and how sure it was.
func TestAssurance_isKept(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada", session.Authenticated("pwd", "otp"), session.Level(2), session.BrowserSession())
	require.NoError(t, err)
	proven := k.clock.Now()
	check := func(sess *session.Session) {
		t.Helper()
		require.True(t, proven.Equal(sess.AuthenticatedAt()))
		require.True(t, proven.Equal(sess.CreatedAt()))
		require.Equal(t, []string{"pwd", "otp"}, sess.AMR())
		require.Equal(t, 2, sess.Level())
	}
	for range 3 {
		k.clock.Advance(2 * time.Hour)
		tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		check(tokens.Session)
		sess, promoted, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		require.NotNil(t, promoted)
		check(sess)
		changed, err := sess.MergePayload(t.Context(), map[string]any{"acr": "9", "auth_time": 1 << 40, "n": k.clock.Now().Unix(), "amr": []string{"hwk"}, "flg": 0})
		require.NoError(t, err)
		check(sess)
		check(sess.Detached())
		sess, _, err = k.Verify(t.Context(), changed.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		check(sess)
		// What the page reads, and an application writes there, is not the claims.
		require.Equal(t, http.StatusForbidden, k.protected(t, changed.Value, session.RequireLevel(3)).Code)
		require.Equal(t, http.StatusForbidden, k.protected(t, changed.Value, session.RequireRecentAuth(time.Hour)).Code)
	}
	row, err := k.store.Find(t.Context(), tokens.Session.Handle())
	require.NoError(t, err)
	require.Equal(t, models.FlagBrowserSession, row.Flags)
}

// Whoever counts refusals, or decides how they look, can tell them apart.
func TestStepUp_isSeenByOnRefusal(t *testing.T) {
	t.Parallel()
	var seen []error
	k := newKit(t, func(c *session.Config) { c.OnRefusal = func(_ *http.Request, err error) { seen = append(seen, err) } })
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	visitor, err := k.CreateAnonymous(t.Context())
	require.NoError(t, err)
	k.protected(t, tokens.Access.Value, session.RequireLevel(1))
	k.protected(t, visitor.Access.Value, session.RequireUser())
	require.Len(t, seen, 2)
	require.ErrorIs(t, seen[0], errors.ErrStepUp)
	require.ErrorIs(t, seen[0], errors.ErrInvalidClaim)
	require.NotErrorIs(t, seen[0], errors.ErrUserRequired)
	require.ErrorIs(t, seen[1], errors.ErrUserRequired)
	require.NotErrorIs(t, seen[1], errors.ErrStepUp)
}

// Downgrade lowers what is above, of this user, and counts it.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.Revocation = session.RevokeImmediately })
	levels := map[string]int{}
	for _, level := range []int{0, 1, 2, 3} {
		tokens, err := k.Create(t.Context(), "ada", session.Level(level), session.Authenticated("otp"))
		require.NoError(t, err)
		levels[tokens.Session.Handle()] = min(level, 1)
	}
	other, err := k.Create(t.Context(), "bob", session.Level(2))
	require.NoError(t, err)
	levels[other.Session.Handle()] = 2
	n, err := k.Downgrade(t.Context(), "ada", 1)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for handle, level := range levels {
		row, err := k.store.Find(t.Context(), handle)
		require.NoError(t, err)
		require.Equal(t, level, row.Level)
	}
	n, err = k.Downgrade(t.Context(), "ada", 1)
	require.NoError(t, err)
	require.Zero(t, n)
	events := k.Events(session.EventDowngraded)
	require.Len(t, events, 1)
	require.Equal(t, "ada", events[0].UserID)
	require.Equal(t, 2, events[0].Count)

	for _, level := range []int{-1, models.MaxLevel + 1} {
		_, err = k.Downgrade(t.Context(), "ada", level)
		require.ErrorIs(t, err, errors.ErrInvalidInput)
	}
	_, err = k.Downgrade(t.Context(), "", 0)
	require.ErrorIs(t, err, errors.ErrInvalidInput)
	k.store.Arm(storetest.Fault{Method: "Downgrade"})
	_, err = k.Downgrade(t.Context(), "ada", 0)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	k.Close()
	_, err = k.Downgrade(t.Context(), "ada", 0)
	require.ErrorIs(t, err, errors.ErrClosed)
}

// What each mode makes of a downgrade: the very next use of a token, be it one that
// still has to be promoted, and a second verification of one request.
func TestDowngrade_modes(t *testing.T) {
	t.Parallel()
	for name, promoted := range map[string]bool{"a token in use": true, "a token that nobody has used": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			tokens, err := k.Create(t.Context(), "ada", session.Level(2))
			require.NoError(t, err)
			fresh := tokens
			if !promoted {
				fresh, err = k.Refresh(t.Context(), tokens.Refresh.Value)
				require.NoError(t, err)
			}
			_, err = k.Downgrade(t.Context(), "ada", 1)
			require.NoError(t, err)
			two := session.RequireLevel(2)
			at := session.WithRevocation(session.RevokeImmediately)

			// A group that does not ask, and a route that does.
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
			r.Header.Set("Authorization", "Bearer "+fresh.Access.Value)
			w := httptest.NewRecorder()
			reached := false
			k.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sess, _ := session.FromContext(r.Context())
				require.Equal(t, 2, sess.Level())
				k.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), at, two).ServeHTTP(w, r)
			}), two).ServeHTTP(w, r)
			require.False(t, reached)
			require.Equal(t, http.StatusForbidden, w.Code)
			lowered := w.Header().Get("St-Access-Token")
			require.NotEmpty(t, lowered, "signed anew")
			require.Equal(t, http.StatusForbidden, k.protected(t, lowered, two).Code, "also where nobody asks")

			require.Equal(t, http.StatusNoContent, k.protected(t, fresh.Access.Value, two).Code, "at expiry")
			require.Equal(t, http.StatusForbidden, k.protected(t, fresh.Access.Value, at, two).Code)
			refreshed, err := k.Refresh(t.Context(), fresh.Refresh.Value)
			require.NoError(t, err)
			require.Equal(t, 1, refreshed.Session.Level(), "at the next refresh")
		})
	}
}

// A token that is promoted under RevokeImmediately has the level of the row at once.
func TestDowngrade_atThePromotion(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.Revocation = session.RevokeImmediately })
	tokens, err := k.Create(t.Context(), "ada", session.Level(2))
	require.NoError(t, err)
	fresh, err := k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	_, err = k.Downgrade(t.Context(), "ada", 1)
	require.NoError(t, err)
	sess, replacement, err := k.Verify(t.Context(), fresh.Access.Value, fresh.AntiCSRF)
	require.NoError(t, err)
	require.Equal(t, 1, sess.Level())
	again, none, err := k.Verify(t.Context(), replacement.Value, fresh.AntiCSRF)
	require.NoError(t, err)
	require.Nil(t, none)
	require.Equal(t, 1, again.Level())
	// And a change of the payload shows it, whatever the mode.
	_, err = k.Downgrade(t.Context(), "ada", 0)
	require.NoError(t, err)
	_, err = sess.MergePayload(t.Context(), map[string]any{"a": 1})
	require.NoError(t, err)
	require.Zero(t, sess.Level())
}

// Of two processes the other knows within the time of the feed, and the page gets a
// token that says so.
func TestDowngrade_soonEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		tokens, err := there.Create(t.Context(), "ada", session.Level(2))
		require.NoError(t, err)
		unused, err := there.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		bystander, err := there.Create(t.Context(), "bob", session.Level(2))
		require.NoError(t, err)
		time.Sleep(time.Minute)

		n, err := here.Downgrade(t.Context(), "ada", 1)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, 1, here.count(session.EventDowngraded))
		time.Sleep(within)
		for _, pair := range []*session.Tokens{tokens, unused} {
			_, lowered, err := there.Verify(t.Context(), pair.Access.Value, pair.AntiCSRF, session.RequireLevel(2))
			require.ErrorIs(t, err, errors.ErrStepUp)
			require.NotNil(t, lowered)
			sess, _, err := there.Verify(t.Context(), lowered.Value, pair.AntiCSRF)
			require.NoError(t, err)
			require.Equal(t, 1, sess.Level())
		}
		_, _, err = there.Verify(t.Context(), bystander.Access.Value, bystander.AntiCSRF, session.RequireLevel(2))
		require.NoError(t, err)
	})
}
