package rig

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// checkAttackers: what others tried in the users' names came to nothing, and all of it was
// tried often enough to mean something.
func (c *Crowd) checkAttackers(t *testing.T, r *Result) {
	t.Helper()
	assert.Zero(t, r.Strangers, "answers to an honest user that were for somebody else")
	assert.Zero(t, r.Reached, "requests of attackers that changed anything")
	if c.cfg.Prefixed || !c.cfg.Planters {
		assert.Zero(t, r.Blocked, "users who were refused because of planted cookies")
	}
	attacks := c.tally.Attacks()
	for i, event := range c.expectedAttacks() {
		if i == 0 || attacks[event] < r.FewestAttacks {
			r.FewestAttacks = attacks[event]
		}
		assert.GreaterOrEqual(t, attacks[event], minAttacks, "the row lacks its fault: %s", event)
	}
	for _, event := range c.expectedToWithstand() {
		assert.Positive(t, attacks[event], "nobody was %s", event)
	}
	t.Logf("attacks: %v", attacks)
	for event, n := range attacks {
		if verb, _, _ := strings.Cut(event, ":"); !slices.Contains([]string{"served", "refreshed", "unavailable"}, verb) {
			r.Attacks += n
		}
	}
}

// minAttacks is how often each thing must have been tried for a row to count.
const minAttacks = 5

// expectedAttacks are the events without which a row says nothing.
func (c *Crowd) expectedAttacks() (events []string) {
	if c.cfg.ForeignPages {
		for _, attempt := range attempts {
			events = append(events, string(SameSite)+" "+attempt.name+" with cookies")
			across := string(CrossSite) + " " + attempt.name
			if c.cfg.AnySite {
				across += " with cookies"
			}
			events = append(events, across)
		}
	}
	for _, kind := range c.plants() {
		events = append(events, "beside: "+kind)
		// Access tokens alone: no path is longer than that of the refresh.
		if !c.cfg.Prefixed && kind != "own refresh" {
			events = append(events, "ahead: "+kind)
		}
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// plants are the kinds that can be planted at all: with prefixes no access token.
func (c *Crowd) plants() (kinds []string) {
	for _, kind := range plants {
		if c.cfg.Planters && !(c.cfg.Prefixed && kind == "own access") {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// expectedToWithstand are the plants with which users are served and refreshed all the same.
func (c *Crowd) expectedToWithstand() (events []string) {
	if c.cfg.Planters && c.cfg.Prefixed {
		events = append(events, "visitor")
	}
	for _, kind := range c.plants() {
		alone := kind == "own refresh" || kind == "own access"
		switch {
		case !c.cfg.Prefixed && (kind == ownPair || kind == oldPair):
			continue
		case !c.cfg.Prefixed && !alone:
			events = append(events, "served: "+kind)
		}
		if alone || len(c.cfg.Strict) > 0 { // whose tokens last no longer than a plant
			events = append(events, "refreshed: "+kind)
		}
	}
	return events
}

// everybodyIsIn: when the planted cookies are gone, users go on with the session that they
// had, after one refresh at most.
func (c *Crowd) everybodyIsIn(t *testing.T) {
	t.Helper()
	random := rand.New(rand.NewPCG(c.seed, 1<<33))
	for _, b := range c.people {
		if b.current == nil || b.current.expectsEnd() {
			continue
		}
		b.jar.Weed()
		assert.NotEmpty(t, b.jar.Refresh(), "%s was signed out: %s", b.user, b.current)
		answer := Lost
		for range 2 {
			if answer = b.callHeld(context.WithoutCancel(t.Context()), http.MethodGet, "/me", random); answer == OK {
				break
			}
		}
		assert.Equal(t, OK, answer, "%s is in: %s", b.user, b.current)
		assert.Equal(t, b.current.handle, ReadClaims(b.jar.Access()).Handle, "%s is in the session that was there", b.user)
	}
}

// isForeign reports whether a foreign page asks, which is refused with a status of its own.
func (r Request) isForeign() bool { return r.Site == SameSite || r.Site == CrossSite }

// plants names what the planted cookies of r put to the test.
func (r Request) plants() (events []string) {
	for _, kind := range r.Plants {
		events = append(events, "beside: "+kind)
	}
	for _, kind := range r.Ahead {
		events = append(events, "ahead: "+kind)
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// withstood names how the planted cookies of r were withstood.
func (r Request) withstood(answer Answer) (events []string) {
	verb := "served: "
	switch {
	case answer == Unavailable:
		verb = "unavailable: "
	case answer != OK:
		return nil
	case r.Path == RefreshPath:
		verb = "refreshed: "
	}
	for _, kind := range r.Plants {
		events = append(events, verb+kind)
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// hasRival reports whether r carries both tokens of a living session of somebody else.
func (r Request) hasRival() bool {
	return slices.Contains(r.Plants, ownPair) || slices.Contains(r.Plants, oldPair)
}

// isAmbiguous reports whether r is answered by 500 because its access tokens are of two living
// sessions, which the refresh just before could not change: front ends must not go on forever.
func (r Request) isAmbiguous(reply Reply) bool {
	return reply.Status == http.StatusInternalServerError && (r.hasRival() || slices.Contains(r.Plants, "own access"))
}
