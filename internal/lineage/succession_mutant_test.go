package lineage

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// lineMutant is a deliberate bug, and where it must show.
type lineMutant struct {
	name   string
	breaks string
	plant  func(m *lineMachine)
	lineScenario
}

func lineMutants() []lineMutant {
	oneTab := lineScenario{pairs: 4, ticks: 2, line: 3, tabs: 1, losses: 1}
	twoTabs := lineScenario{pairs: 4, ticks: 2, line: 3, tabs: 2, brisk: true, lock: true, turns: true}
	ends := oneTab
	ends.endsAll, ends.signOut = true, true
	asks, withThief, signOut := twoTabs, oneTab, twoTabs
	asks.asks, withThief.thief, signOut.signOut = true, true, true
	withThief.losses = 0
	mixed := twoTabs
	mixed.mixed, mixed.apart, mixed.eager, mixed.thief, mixed.anyJar = true, true, true, true, true
	return []lineMutant{
		{"flag cleared before the origin is ended", "S4", func(m *lineMachine) { m.confirmFirst = true }, oneTab},
		{"accept although the origin was ended by sign-out", "S5", acceptsEnded, ends},
		{"an end overwrites an end", "S5", func(m *lineMachine) { m.ends = func(r lineRow) bool { return r.fate != absent } }, ends},
		{"origin ended at mint", "S1", func(m *lineMachine) { m.endsAtMint = true }, oneTab},
		{"pending ended because the old session was used", "S1", func(m *lineMachine) { m.endsPending = true }, lineScenario{
			pairs: 4, ticks: 2, line: 3, tabs: 2, eager: true, brisk: true, lock: true, turns: true,
		}},
		{"the later use wins at once", "S1", neverShares, twoTabs},
		{"late answers are taken for another's", "S1", func(m *lineMachine) { m.belongs = func(_, _ Member) bool { return false } }, lineScenario{
			pairs: 4, ticks: 2, line: 3, tabs: 2, eager: true, brisk: true, lock: true, turns: true,
		}},
		{"a session that was replaced is cleared", "S1", func(m *lineMachine) { m.clears = true }, asks},
		{"signing out of a replaced session is a success", "S5", func(m *lineMachine) { m.forgets = true }, signOut},
		{"signing out shares a place", "S5", func(m *lineMachine) { m.overlap = func(lineKind) int64 { return Overlap } }, signOut},
		{"what has ended takes a place", "S7", func(m *lineMachine) { m.unchecked = true }, mixed},
		{"a Replace asks for no proof", "S6", func(m *lineMachine) { m.unproven = true }, withThief},
		{"a session that was replaced is judged", "S3", judgesReplaced, withThief},
	}
}

// acceptsEnded goes on whatever the origin was ended for.
func acceptsEnded(m *lineMachine) {
	m.succession = func(next string, p Predecessor, taken, now, overlap int64) Succession {
		v := OnSuccession(next, p, taken, now, overlap)
		if v == Refused && p.Found {
			return Succeed
		}
		return v
	}
}

// neverShares ends the session whose use came first, though the browser may keep that.
func neverShares(m *lineMachine) {
	m.overlap = func(lineKind) int64 { return 0 }
}

// judgesReplaced takes tokens of a session that was replaced for stolen ones.
func judgesReplaced(m *lineMachine) {
	m.live = func(r lineRow) bool { return r.fate == living || r.fate == replaced }
}

func TestSuccessionModelFindsDeliberateBugs(t *testing.T) {
	t.Parallel()
	require.Len(t, lineMutants(), 13, "the number that the documents name")
	for _, mut := range lineMutants() {
		t.Run(mut.name, func(t *testing.T) {
			t.Parallel()
			mut.lineScenario.name = mut.name
			sound := search[line]{model: &lineModel{lineProduction(), mut.lineScenario}, until: mut.breaks}
			sound.run()
			require.Zero(t, sound.violations(mut.breaks), "the scenario breaks %s without the bug, so it shows nothing", mut.breaks)

			broken := lineProduction()
			mut.plant(&broken)
			s := search[line]{model: &lineModel{broken, mut.lineScenario}, until: mut.breaks}
			s.run()
			require.NotZero(t, s.violations(mut.breaks), "not found in %d states", s.states.len())
			trace := s.trace(mut.breaks)
			t.Logf("breaks %s after %d steps, found in %d states\n%s", mut.breaks, len(trace)-1, s.states.len(), s.model.explain(trace))
		})
	}
}

// TestModelRefutesListing: without a link from a session to who took its place, a second
// successor can only end the others that live. Then a session outlives the sign-out of
// the one that had the place, and the later use wins although the browser kept the other.
func TestModelRefutesListing(t *testing.T) {
	t.Parallel()
	listing := lineProduction()
	listing.listing = true
	listing.succession = func(next string, p Predecessor, taken, now, overlap int64) Succession {
		v := OnSuccession(next, p, taken, now, overlap)
		if v == Follow {
			return Succeed
		}
		return v
	}
	scenario := lineScenario{name: "listing", pairs: 4, ticks: 2, line: 3, tabs: 2, brisk: true, lock: true, turns: true, signOut: true}
	s := search[line]{model: &lineModel{listing, scenario}}
	s.run()
	for _, id := range []string{"S1", "S5"} {
		require.NotZero(t, s.violations(id), id)
		t.Logf("breaks %s\n%s", id, s.model.explain(s.trace(id)))
	}
}

func TestOnSuccession(t *testing.T) {
	t.Parallel()
	ended := func(reason models.RevokeReason, by string) *models.Session {
		return &models.Session{RevokedAt: 100, RevokeReason: reason, Origin: by}
	}
	const now = 1_000_000
	for _, tc := range []struct {
		name       string
		row        *models.Session
		taken, lap int64
		want       Succession
	}{
		{"no row", nil, 0, Overlap, Refused},
		{"ended by theft", ended(models.RevokedByTheft, "n"), 0, Overlap, Refused},
		{"ended by sign-out, and itself made by a Replace", ended(models.RevokedBySignOut, "n"), 0, Overlap, Refused},
		{"replaced by nobody", ended(models.RevokedByReplacement, ""), 0, Overlap, Refused},
		{"live", &models.Session{}, 0, Overlap, Take},
		{"expired", &models.Session{ExpiresAt: 1}, 0, Overlap, Take},
		{"replaced by this one: the server died before the flag was cleared", ended(models.RevokedByReplacement, "n"), 0, Overlap, Succeed},
		{"replaced by another", ended(models.RevokedByReplacement, "m"), 0, Overlap, Follow},
		{"the other has taken the place just now", &models.Session{Origin: "o"}, now - Overlap, Overlap, Share},
		{"by a clock that is ahead", &models.Session{Origin: "o"}, now + Overlap, Overlap, Share},
		{"a while ago", &models.Session{Origin: "o"}, now - Overlap - 1, Overlap, Take},
		{"by a clock that is a day ahead", &models.Session{Origin: "o"}, now + 86_400_000, Overlap, Take},
		{"just now, and this one signs out", &models.Session{Origin: "o"}, now, 0, Take},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, OnSuccession("n", PredecessorOf(tc.row), tc.taken, now, tc.lap))
		})
	}
}

// Of two users who were the same visitor neither ends the other, nor ends with it.
func TestOnSuccession_strangers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]*models.Session{
		"live": {}, "signed out": {RevokedAt: 100, RevokeReason: models.RevokedBySignOut},
		"replaced": {RevokedAt: 100, RevokeReason: models.RevokedByReplacement, Origin: "m"},
	} {
		p := PredecessorOf(row)
		p.Stranger = true
		for _, overlap := range []int64{0, Overlap} {
			assert.Equal(t, Succeed, OnSuccession("n", p, 100, 200, overlap), name)
		}
	}
}

func TestKin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name            string
		refresh, access Member
		want            bool
	}{
		{"another session of the user", Member{Handle: "n", UserID: "u", Origin: "o"}, Member{Handle: "x", UserID: "u", Origin: "y"}, false},
		{"two that replaced nothing", Member{Handle: "n", UserID: "u"}, Member{Handle: "x", UserID: "u"}, false},
		{"what an attacker made of the same visitor", Member{Handle: "n", UserID: "attacker", Origin: "o"}, Member{Handle: "m", UserID: "u", Origin: "o"}, false},
		{"the attacker's, whom the user's replaced", Member{Handle: "n", UserID: "attacker", Origin: "o", Later: []string{"m"}}, Member{Handle: "m", UserID: "u", Origin: "o"}, false},
		{"the session before", Member{Handle: "n", UserID: "u", Origin: "o"}, Member{Handle: "o", UserID: "u"}, true},
		{"the visitor before", Member{Handle: "n", UserID: "u", Origin: "o"}, Member{Handle: "o", UserID: "anon:1"}, true},
		{"another tab's", Member{Handle: "n", UserID: "u", Origin: "o"}, Member{Handle: "m", UserID: "u", Origin: "o"}, true},
		{"what took the place since", Member{Handle: "n", UserID: "u", Origin: "o", Later: []string{"m", "l"}}, Member{Handle: "l", UserID: "u", Origin: "m"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, Kin(tc.refresh, tc.access))
		})
	}
}
