package session_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// What is most likely a mistake is refused by name, in lists too.
func TestFilter_mistakes(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.handleOf(t, "ada")
	soon := k.clock.Now().Add(time.Second)
	for want, filter := range map[string]session.Filter{
		"Filter.All":                                   {},
		"Filter.All: the filter":                       {ExceptHandles: []string{"one"}},
		"Filter.All: the filter selects":               {CreatedBefore: soon},
		"Filter.All: the filter selects every":         {NotUsedSince: soon, CreatedBefore: soon},
		"Filter.All: the filter selects every session": {IPPrefix: netip.MustParsePrefix("::/0")},
		"Filter.Users: the list is empty":              {Users: []string{}, All: true},
		"Filter.Users: number 1: user id":              {Users: []string{"ada", ""}},
		"Filter.IPPrefix: is no valid prefix":          {IPPrefix: netip.PrefixFrom(netip.MustParseAddr("192.0.2.0"), 99)},
		"Filter.IPPrefix: ::ffff:192.0.2.0/120 is":     {IPPrefix: netip.MustParsePrefix("::ffff:192.0.2.0/120")},
	} {
		_, err := k.RevokeWhere(t.Context(), filter)
		require.ErrorIs(t, err, errors.ErrInvalidInput)
		require.ErrorContains(t, err, want)
		_, err = k.RevokeWhere(t.Context(), filter, session.DryRun())
		require.ErrorContains(t, err, want)
		_, err = k.Sessions(t.Context(), filter, "", 10)
		require.ErrorContains(t, err, want)
	}
	all, users := session.Filter{All: true}, session.Filter{Users: []string{"ada"}}
	for _, after := range []string{"x", "h.", "u.", "h.a.b", "u.YWRh.0", "u.!.0.a", "u..0.a", "u.YWRh.?.a", "h." + strings.Repeat("a", 1000)} {
		for _, filter := range []session.Filter{all, users} {
			_, err := k.Sessions(t.Context(), filter, after, 10)
			require.ErrorIs(t, err, errors.ErrInvalidInput, after)
			_, err = k.RevokeWhere(t.Context(), filter, session.ResumeAfter(after))
			require.ErrorIs(t, err, errors.ErrInvalidInput, after)
		}
	}
	for _, limit := range []int{0, -1, 1001} {
		_, err := k.Sessions(t.Context(), all, "", limit)
		require.ErrorIs(t, err, errors.ErrInvalidInput)
	}
	require.Len(t, k.liveHandles(t, "ada"), 1)
}

// A filter selects what everything in it says.
func TestFilter_selects(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.IPAddresses = session.IPTruncated })
	made := map[string]string{}
	add := func(name, user, ip string) *session.Tokens {
		tokens, err := k.Create(t.Context(), user, session.WithDevice("", ip))
		require.NoError(t, err)
		made[tokens.Session.Handle()] = name
		k.Advance(time.Hour)
		return tokens
	}
	start := k.clock.Now()
	old := add("old", "ada", "192.0.2.77")
	add("other", "bob", "2001:db8:1:2::3")
	add("none", "ada", "")
	// The old one is used: an hour later than the newest was.
	next, err := k.Refresh(t.Context(), old.Refresh.Value)
	require.NoError(t, err)
	_, _, err = k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
	require.NoError(t, err)
	k.Advance(time.Hour)

	for want, filter := range map[string]session.Filter{
		"old other none": {All: true},
		"old none":       {Users: []string{"ada", "eve", "ada"}},
		"other":          {Users: []string{"bob"}, CreatedBefore: start.Add(2 * time.Hour)},
		"old":            {CreatedBefore: start.Add(time.Millisecond)},
		"old other":      {CreatedBefore: start.Add(time.Hour + time.Nanosecond)},
		"none":           {NotUsedSince: start.Add(3 * time.Hour), ExceptHandles: []string{handleNamed(made, "other")}},
		"other none":     {NotUsedSince: start.Add(3 * time.Hour)},
		"":               {CreatedBefore: start},
		" old":           {IPPrefix: netip.MustParsePrefix("192.0.2.0/24")},
		"old  ":          {IPPrefix: netip.MustParsePrefix("192.0.2.9/23")},
		"  ":             {IPPrefix: netip.MustParsePrefix("192.0.2.77/32")},
		" other":         {IPPrefix: netip.MustParsePrefix("2001:db8::/32")},
		"other ":         {All: true, IPPrefix: netip.MustParsePrefix("::/0")},
	} {
		page, err := k.Sessions(t.Context(), filter, "", 10)
		require.NoError(t, err)
		require.Empty(t, page.After)
		var got []string
		for _, d := range page.Sessions {
			got = append(got, made[d.Handle])
		}
		require.ElementsMatch(t, strings.Fields(want), got, "%+v", filter)
		counted, err := k.RevokeWhere(t.Context(), filter, session.DryRun())
		require.NoError(t, err)
		require.Equal(t, session.Revoked{Count: len(got)}, counted)
	}
	require.Empty(t, k.Events(session.EventRevoked), "nothing but counted")

	done, err := k.RevokeWhere(t.Context(), session.Filter{NotUsedSince: start.Add(3 * time.Hour)})
	require.NoError(t, err)
	require.Equal(t, session.Revoked{Count: 2}, done)
	require.Equal(t, []string{handleNamed(made, "old")}, k.liveHandles(t, "ada"))
	ended := k.Events(session.EventRevoked)
	require.Len(t, ended, 1)
	require.Equal(t, []any{models.RevokedByOperator, 2, ""}, []any{ended[0].Reason, ended[0].Count, ended[0].UserID})
}

func handleNamed(made map[string]string, name string) string {
	for handle, n := range made {
		if n == name {
			return handle
		}
	}
	return ""
}

// crowd fills a store with sessions of many users, in another order than that of their
// handles, and returns them by user.
func crowd(t *testing.T, store session.Store, random *rand.Rand, users, most int) map[string][]string {
	t.Helper()
	made := map[string][]string{}
	for u := range users {
		user := fmt.Sprintf("user-%d", u)
		for range random.IntN(most + 1) {
			handle := fmt.Sprintf("h%012x", random.Uint64N(1<<48))
			created := noon.Add(time.Duration(random.IntN(1000)) * time.Millisecond).UnixMilli()
			require.NoError(t, store.Insert(t.Context(), &models.Session{
				Handle: handle, UserID: user, CreatedAt: created, LastUsedAt: created, ExpiresAt: math.MaxInt64,
			}))
			made[user] = append(made[user], handle)
		}
	}
	return made
}

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// Pages of any size show each session that is selected once, of the table and of users.
func TestSessions_pages(t *testing.T) {
	t.Parallel()
	random, store := testseed.Random(t), memstore.New()
	made := crowd(t, store, random, 300, 20)
	k := newKitOn(t, store, sessiontest.NewClock(noon.Add(time.Hour)))
	var some, want, all []string
	for user, handles := range made {
		all = append(all, handles...)
		if random.IntN(2) == 0 {
			some, want = append(some, user), append(want, handles...)
		}
	}
	for _, limit := range []int{20 + random.IntN(50), 1 + random.IntN(1000), 1000} {
		for _, row := range []struct {
			filter session.Filter
			want   []string
		}{{session.Filter{All: true}, all}, {session.Filter{Users: some}, want}} {
			var got []string
			after, pages := "", 0
			for ; pages == 0 || after != ""; pages++ {
				page, err := k.Sessions(t.Context(), row.filter, after, limit)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page.Sessions), limit)
				for _, d := range page.Sessions {
					got = append(got, d.Handle)
				}
				after = page.After
			}
			require.ElementsMatch(t, row.want, got, "limit %d", limit)
			require.LessOrEqual(t, pages, 10*len(row.want)/limit+10)
		}
	}
}

// A page of which nothing is selected says where to go on instead of reading on.
func TestSessions_looksAtSoMany(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	for i := range 12_000 {
		require.NoError(t, store.Insert(t.Context(), &models.Session{Handle: fmt.Sprintf("h%05d", i), UserID: "ada", ExpiresAt: math.MaxInt64}))
	}
	k := newKitOn(t, store, nil)
	filter := session.Filter{IPPrefix: netip.MustParsePrefix("192.0.2.0/24")}
	k.store.Arm()
	page, err := k.Sessions(t.Context(), filter, "", 1000)
	require.NoError(t, err)
	require.Equal(t, session.Page{Sessions: []session.Device{}, After: "h.h09999"}, page)
	require.Equal(t, map[string]int{"Walk": 10}, k.store.Counts())
	page, err = k.Sessions(t.Context(), filter, page.After, 1000)
	require.NoError(t, err)
	require.Empty(t, page.After)
}

// What it costs, and that it pauses: between batches only.
func TestRevokeEverything_statements(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		for i := range 2500 {
			require.NoError(t, store.Insert(t.Context(), &models.Session{Handle: fmt.Sprintf("h%05d", i), UserID: "ada", ExpiresAt: math.MaxInt64}))
		}
		k := newKitOn(t, store, nil, func(c *session.Config) { c.Cleanup.Pause = time.Second })
		k.store.Arm()
		began := time.Now()
		count, err := k.RevokeEverything(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2500, count)
		require.Equal(t, map[string]int{"Walk": 3, "RevokeMany": 3}, k.store.Counts())
		require.Equal(t, 2*time.Second, time.Since(began))
		require.Len(t, k.Events(session.EventRevoked), 1)
	})
}

// Broken off at any statement, in any way, or by its context at a random moment, and
// called again until it is through: what was selected has ended, and nothing else.
func TestRevokeWhere_brokenOffAndResumed(t *testing.T) {
	t.Parallel()
	random := testseed.Random(t)
	for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter, storetest.Hang} {
		for _, byUser := range []bool{false, true} {
			for _, resume := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) { brokenOff(t, random, mode, byUser, resume) })
			}
		}
	}
}

func brokenOff(t *testing.T, random *rand.Rand, mode storetest.FaultMode, byUser, resume bool) {
	t.Helper()
	for call := 1; ; call += 1 + random.IntN(2) {
		store := memstore.New()
		made := crowd(t, store, random, 40, 100)
		k := newKitOn(t, store, sessiontest.NewClock(noon.Add(time.Hour)))
		filter := session.Filter{CreatedBefore: noon.Add(500 * time.Millisecond)}
		if byUser {
			for u := range 20 {
				filter.Users = append(filter.Users, fmt.Sprintf("user-%d", u))
			}
		}
		filter.ExceptHandles = slices.Clone(made["user-7"])
		expect := selectedOf(t, store, filter)
		k.store.Arm(storetest.Fault{Call: call, Mode: mode})
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(600))*time.Millisecond)
		done, err := k.RevokeWhere(ctx, filter)
		cancel()
		fired, count := k.store.Fired(), done.Count
		for tries := 0; err != nil; tries++ {
			require.ErrorIs(t, err, errors.ErrUnavailable)
			require.Less(t, tries, 10)
			var opts []session.RevokeOption
			if resume {
				opts = append(opts, session.ResumeAfter(done.After))
			}
			done, err = k.RevokeWhere(t.Context(), filter, opts...)
			count += done.Count
		}
		require.Empty(t, done.After)
		require.LessOrEqual(t, count, len(expect))
		if mode != storetest.ErrorAfter {
			require.Len(t, expect, count)
		}
		for user, handles := range made {
			for _, handle := range handles {
				row, err := store.Find(t.Context(), handle)
				require.NoError(t, err)
				want := models.RevokeReason("")
				if expect[handle] {
					want = models.RevokedByOperator
				}
				require.Equal(t, want, row.RevokeReason, "%s of %s", handle, user)
			}
		}
		if fired == 0 && call > 12 {
			return
		}
	}
}

// selectedOf says which rows a filter of users, time and exceptions selects.
func selectedOf(t *testing.T, store *memstore.Store, f session.Filter) map[string]bool {
	t.Helper()
	expect := map[string]bool{}
	walk := models.Walk{Now: 1}
	for more := true; more; more = walk.After != "" {
		page, err := store.Walk(t.Context(), walk)
		require.NoError(t, err)
		for _, row := range page.Sessions {
			if time.UnixMilli(row.CreatedAt).Before(f.CreatedBefore) && !slices.Contains(f.ExceptHandles, row.Handle) &&
				(f.Users == nil || slices.Contains(f.Users, row.UserID)) {
				expect[row.Handle] = true
			}
		}
		walk.After = page.Next
	}
	return expect
}
