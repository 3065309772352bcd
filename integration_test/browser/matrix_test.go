//go:build e2e

package browser_test

import "testing"

// story is something that happens to a page. Each runs in a fresh application
// and a fresh browser context.
type story struct {
	name      string
	takesPart func(frontEnd) bool
	tell      func(*testing.T, *world)
}

func everybody(frontEnd) bool { return true }

var stories = []story{
	{"sign in and read", everybody, signsInAndReads},
	{"expired token is refreshed silently", everybody, refreshesSilently},
	{"six calls, one refresh", everybody, refreshesOnceForSix},
	{"two tabs, one refresh", everybody, refreshesOnceForTwoTabs},
	{"refresh answer gets lost", everybody, survivesLostRefresh},
	{"POST with anti-CSRF proof and Unicode", everybody, postsWithProof},
	{"payload update", everybody, seesPayloadUpdate},
	{"claim failure", everybody, seesClaimFailure},
	{"asked to authenticate again", everybody, authenticatesAgain},
	{"sign out", everybody, signsOut},
	{"visitor without a session", everybody, visits},
	{"revoked elsewhere, told at once", everybody, learnsOfRevocationAtOnce},
	{"revoked elsewhere, told at the refresh", everybody, learnsOfRevocationAtRefresh},
	{"theft, seen by the victim's page", everybody, seesTheft},
	{"XMLHttpRequest", frontEnd.interceptsXHR, livesByXHR},
	{"axios", everybody, livesByAxios},
}

// TestFrontEnds tells every story to every front end, in each mode it knows, on one origin and on two.
func TestFrontEnds(t *testing.T) {
	t.Parallel()
	for _, f := range frontEnds {
		t.Run(f.version, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []string{"cookie", "header"} {
				if mode == "header" && !f.knowsHeaderMode() {
					continue
				}
				t.Run(mode, func(t *testing.T) {
					t.Run("same origin", func(t *testing.T) { tellAll(t, stories, setting{frontEnd: f, mode: mode}) })
					t.Run("cross origin", func(t *testing.T) { tellAll(t, stories, setting{frontEnd: f, mode: mode, cross: true}) })
				})
			}
		})
	}
}

// tellAll lets the stories of one setting run one after another: the settings
// side by side keep the machine busy enough.
func tellAll(t *testing.T, stories []story, s setting) {
	t.Helper()
	t.Parallel()
	told := results.start(t)
	for _, story := range stories {
		if !story.takesPart(s.frontEnd) {
			continue
		}
		t.Run(story.name, func(t *testing.T) {
			story.tell(t, open(t, s))
			told.Add(1)
		})
	}
}
