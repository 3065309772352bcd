package feed

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

const minute = int64(60_000)

// margin is the tolerance, in milliseconds.
var margin = defaultRules().tolerance.Milliseconds()

func newWriter(limit int) *writer {
	w := &writer{}
	w.init(defaultRules(), limit)
	return w
}

// hintOf is a hint with a new id.
func hintOf(kind models.HintKind, subject, owner string, at int64) models.Hint {
	h := models.Hint{Kind: kind, Subject: subject, Owner: owner, At: at}
	for i := range h.ID {
		h.ID[i] = byte(rand.Uint32())
	}
	return h
}

func (w *writer) put1(h models.Hint, elapsed time.Duration) bool {
	news, _ := w.add([]models.Hint{h}, 0, elapsed, h.At)
	return news
}

func TestWriter_knowsAHintOnce(t *testing.T) {
	t.Parallel()
	w := newWriter(10)
	h := hintOf(models.HintSession, "a", "", 0)
	require.True(t, w.put1(h, 0))
	require.False(t, w.put1(h, time.Second))
	h.Subject = "b" // another hint, however the ids were drawn
	require.True(t, w.put1(h, time.Second))
	h.Kind = models.HintUser
	require.True(t, w.put1(h, time.Second))
	require.EqualValues(t, 3, w.table.Load().arrivals)
}

func TestWriter_kinds(t *testing.T) {
	t.Parallel()
	const at = 10 * minute
	for _, row := range []struct {
		kind                           models.HintKind
		subject                        string
		oldToken, newToken, other, now bool // asks
	}{
		{models.HintSession, "handle", true, true, false, false},
		{models.HintUser, "user", true, false, false, false},
		{models.HintClaims, "user", false, false, false, true},
		{models.HintAll, "", true, false, true, false},
		{models.HintKey, "user", false, false, false, false},
		{"of a later version", "x", true, false, true, true},
	} {
		w := newWriter(10)
		w.put1(hintOf(row.kind, row.subject, "", at), 0)
		table := w.table.Load()
		require.Equal(t, row.oldToken, table.session("handle", "user", at+margin) > 0, row.kind)
		require.Equal(t, row.newToken, table.session("handle", "user", at+margin+1) > 0, row.kind)
		require.Equal(t, row.other, table.session("other", "another", at) > 0, row.kind)
		require.Equal(t, row.now, table.claimsOf("user").arrival > 0, row.kind)
	}
}

func TestWriter_theOffsetAndTheEndsOfTime(t *testing.T) {
	t.Parallel()
	w := newWriter(10)
	require.Equal(t, margin+minute, w.upTo(2*minute, minute))
	require.Equal(t, int64(math.MaxInt64), w.upTo(math.MaxInt64, -minute))
	require.Equal(t, int64(math.MaxInt64), w.upTo(math.MaxInt64-minute, 0))
	require.Equal(t, math.MaxInt64-minute, w.upTo(math.MaxInt64, margin+minute))
	w.put1(hintOf(models.HintUser, "user", "", math.MaxInt64), 0)
	require.NotZero(t, w.table.Load().session("handle", "user", time.Now().UnixMilli()))
}

// What is in the table must not depend on when it was merged.
func TestWriter_mergeLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWriter(1 << 20)
	type known struct{ sessions, users, claims map[string]entry }
	want := known{map[string]entry{}, map[string]entry{}, map[string]entry{}}
	rng := rand.New(rand.NewPCG(1, 2))
	merges, copied := 0, 0
	for i := range 20_000 {
		kind := kinds[rng.IntN(3)]
		h := hintOf(kind, fmt.Sprint(rng.IntN(4000)), "", rng.Int64N(1<<40))
		before := w.table.Load()
		copied += before.recent.size()
		w.put1(h, 0)
		if w.table.Load().recent.size() == 0 {
			merges++
			copied += w.table.Load().base.size()
		}
		into := map[models.HintKind]map[string]entry{
			models.HintSession: want.sessions, models.HintUser: want.users, models.HintClaims: want.claims,
		}[kind]
		into[h.Subject] = into[h.Subject].and(entry{uint64(i + 1), h.At + margin})
		if i%5000 == 0 { // whoever holds an old table sees no change
			arrivals, size := before.arrivals, before.recent.size()
			w.put1(hintOf(models.HintClaims, "0", "", 0), 0)
			require.Equal(t, arrivals, before.arrivals)
			require.Equal(t, size, before.recent.size())
			want.claims["0"] = want.claims["0"].and(entry{w.table.Load().arrivals, margin})
		}
	}
	table := w.table.Load()
	for subject, e := range want.sessions {
		require.NotZero(t, table.session(subject, "", 0))
		require.Equal(t, e.upTo, table.base.sessions[subject].and(table.recent.sessions[subject]).upTo)
	}
	for subject, e := range want.users {
		require.NotZero(t, table.session("", subject, e.upTo))
		require.Zero(t, table.session("", subject, e.upTo+1))
	}
	for subject, e := range want.claims {
		require.Equal(t, e.upTo, table.claimsOf(subject).upTo)
	}
	require.Positive(t, merges)
	require.Less(t, copied/20_000, 500, "entries copied for each hint, of %d", table.base.size())
}

func TestWriter_crowd(t *testing.T) {
	t.Parallel()
	w := newWriter(1000)
	for i := range 100 {
		w.put1(hintOf(models.HintSession, fmt.Sprint("s", i), "owner", int64(i)), 0)
		w.put1(hintOf(models.HintSession, fmt.Sprint("nobody's", i), "", int64(i)), 0)
	}
	table := w.table.Load()
	merged := *table
	w.merge(&merged)
	require.Len(t, merged.base.users, 1)
	require.Len(t, merged.base.sessions, 16+100)
	for i := range 100 {
		require.NotZero(t, table.session(fmt.Sprint("s", i), "owner", 0), i)
	}
	require.Zero(t, table.session("s16", "owner", 100+margin), "a token that came later")
	require.NotZero(t, table.session("s15", "owner", 100+margin))

	// Those that have their own keep it, and when they are gone there is room again.
	first := table.arrivals
	w.put1(hintOf(models.HintSession, "s3", "owner", minute), 0)
	require.Equal(t, first+1, w.table.Load().session("s3", "owner", 1<<50))
	w.purge(time.Hour)
	w.put1(hintOf(models.HintSession, "s4", "owner", minute), time.Hour)
	w.purge(26 * time.Hour)
	require.Equal(t, map[string][]string{"owner": {"s4"}}, w.owners)
	w.put1(hintOf(models.HintSession, "s50", "owner", minute), 26*time.Hour)
	require.NotZero(t, w.table.Load().session("s50", "owner", 1<<50))
}

func TestWriter_full(t *testing.T) {
	t.Parallel()
	w := newWriter(10)
	for i := range 10 {
		w.put1(hintOf(models.HintSession, fmt.Sprint(i), "", 0), 0)
	}
	require.False(t, w.purge(0))
	require.Zero(t, w.table.Load().session("other", "user", 0))

	// What is known needs no room, wherever it is.
	next := *w.table.Load()
	w.merge(&next)
	w.table.Store(&next)
	w.put1(hintOf(models.HintSession, "3", "", 0), 0)
	require.False(t, w.purge(0))

	w.put1(hintOf(models.HintSession, "one more", "", 0), 0)
	require.True(t, w.purge(0))
	require.NotZero(t, w.table.Load().session("other", "user", margin))
	require.Zero(t, w.table.Load().session("other", "user", margin+1))
	require.Zero(t, w.table.Load().claimsOf("user").arrival)
	w.put1(hintOf(models.HintClaims, "user", "", 0), 0)
	require.NotZero(t, w.table.Load().claimsOf("user").arrival)

	require.True(t, w.purge(5*time.Minute))
	require.False(t, w.purge(26*time.Hour), "there is room again")
	w.put1(hintOf(models.HintSession, "new", "", 1<<50), 26*time.Hour)
	require.Zero(t, w.table.Load().session("other", "user", 1<<50))
	require.NotZero(t, w.table.Load().session("new", "user", 1<<50))
}

// A flood about few subjects fills no table, and must not fill the memory either.
func TestWriter_flood(t *testing.T) {
	t.Parallel()
	w := newWriter(100)
	for i := range 10_000 {
		w.put1(hintOf(models.HintSession, fmt.Sprint(i), fmt.Sprint("user", i%5), int64(i)), time.Duration(i)*time.Millisecond)
	}
	require.LessOrEqual(t, len(w.seen), 400)
	require.LessOrEqual(t, w.table.Load().base.size()+w.table.Load().recent.size(), 100)
	for i := range 10_000 {
		require.NotZero(t, w.table.Load().session(fmt.Sprint(i), fmt.Sprint("user", i%5), 0), i)
	}
	require.False(t, w.purge(5*time.Minute), "each has an entry, and nobody else asks")
	require.Zero(t, w.table.Load().session("other", "user", 0))
	w.purge(40 * time.Minute)
	w.settle(40 * time.Minute)
	require.Nil(t, w.unsettled)
	require.Empty(t, w.seen)
}

func TestWriter_settle(t *testing.T) {
	t.Parallel()
	w := newWriter(10)
	w.put1(hintOf(models.HintUser, "a", "", 0), 0)
	w.put1(hintOf(models.HintUser, "b", "", 0), time.Second)
	w.settle(time.Minute - 1)
	require.EqualValues(t, 0, w.settled.Load())
	w.settle(time.Minute)
	require.EqualValues(t, 1, w.settled.Load())
	w.settle(time.Minute + time.Second)
	require.EqualValues(t, 2, w.settled.Load())

	// Two came at the same time, and the later one got in first.
	w.put1(hintOf(models.HintUser, "c", "", 0), 12*time.Minute)
	w.put1(hintOf(models.HintUser, "d", "", 0), 11*time.Minute)
	w.settle(12*time.Minute + 30*time.Second)
	require.EqualValues(t, 2, w.settled.Load())
	w.settle(13 * time.Minute)
	require.EqualValues(t, 4, w.settled.Load())
}

func TestWriter_purge(t *testing.T) {
	t.Parallel()
	w := newWriter(100)
	w.cover(0, 0)
	for hour := range 30 {
		elapsed := time.Duration(hour+1) * time.Hour
		// The time of day is wrong, by more than anything is kept.
		at := rand.Int64N(1 << 45)
		w.put1(hintOf(models.HintSession, fmt.Sprint(hour), "", at), elapsed)
		w.put1(hintOf(models.HintUser, fmt.Sprint(hour), "", at), elapsed)
		w.put1(hintOf(models.HintClaims, fmt.Sprint(hour), "", int64(hour)), elapsed)
		w.purge(elapsed)
		table := w.table.Load()
		for known := range hour + 1 {
			name := fmt.Sprint(known)
			kept := known > hour-25
			require.Equal(t, kept, table.session(name, "", 1<<60) > 0, "%s at %d", name, hour)
			require.Equal(t, kept, table.session("", name, margin+minute) > 0, "%s at %d", name, hour)
			// Whose claims are older than that is asked, whatever has been dropped.
			require.GreaterOrEqual(t, table.claimsOf(name).and(table.unknown).upTo, int64(known)+margin, "%s at %d", name, hour)
		}
	}
	require.LessOrEqual(t, len(w.history), 26)
	table := w.table.Load()
	require.Equal(t, int64(29-25)+margin, table.unknown.upTo, "the newest that was dropped")
	require.Len(t, table.base.sessions, 25)
	require.Len(t, table.base.users, 25)
	require.Len(t, table.base.claims, 25)
}

// One user's hints cost nobody else anything, however many there are: neither room for
// ids nor a question.
func TestWriter_floodAboutOneUser(t *testing.T) {
	t.Parallel()
	w := newWriter(1000)
	var all []models.Hint
	for i := range 5000 {
		all = append(all, hintOf(models.HintUser, "eve", "", int64(i)))
		w.put1(all[i], time.Duration(i)*time.Millisecond)
		require.Equal(t, w.table.Load().arrivals, w.table.Load().session("", "eve", 0))
	}
	require.Len(t, w.seen, 1+seenAgain)
	require.False(t, w.purge(6*time.Minute))
	require.Zero(t, w.table.Load().session("ada's", "ada", 0))

	// Those that have no room are about eve again, and only those.
	for i, h := range all {
		require.Equal(t, i > seenAgain, w.put1(h, 6*time.Minute), i)
	}
	require.Len(t, w.seen, 1+2*seenAgain)
	require.Zero(t, w.table.Load().session("ada's", "ada", 0))
	require.Zero(t, w.table.Load().session("", "eve", 4999+margin+1), "nor her own tokens that came later")
}

// Where ids have no room at all, a hint is about its subject all the same.
func TestWriter_noRoomForIDs(t *testing.T) {
	t.Parallel()
	w := newWriter(10)
	for i := range 100 {
		w.put1(hintOf(models.HintUser, fmt.Sprint(i%5), "", 0), 0)
	}
	require.Len(t, w.seen, 40)
	h := hintOf(models.HintSession, "a", "", 0)
	require.True(t, w.put1(h, 0))
	require.True(t, w.put1(h, 0))
	require.Equal(t, w.table.Load().arrivals, w.table.Load().session("a", "", 0))
	require.Zero(t, w.table.Load().session("b", "user", 0))
	w.put1(hintOf(models.HintAll, "", "", 0), 0)
	require.NotZero(t, w.table.Load().session("b", "user", 0))
}

// Where there is no room for a session, its owner's entry will do.
func TestWriter_fullWithAnOwner(t *testing.T) {
	t.Parallel()
	w := newWriter(10)
	for i := range 10 {
		w.put1(hintOf(models.HintUser, fmt.Sprint(i), "", 0), 0)
	}
	w.put1(hintOf(models.HintSession, "s", "3", minute), 0)
	table := w.table.Load()
	require.Equal(t, table.arrivals, table.session("s", "3", minute+margin))
	require.Zero(t, table.session("other", "user", 0))
	require.False(t, w.purge(0))
	w.put1(hintOf(models.HintSession, "t", "stranger", minute), 0)
	require.NotZero(t, w.table.Load().session("other", "user", 0))
	require.True(t, w.purge(0))
}
