package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Racing calls in each round of a test of exclusivity.
const racers = 16

// Option changes how [Run] tests.
type Option func(*options)

type options struct {
	rounds       int
	transactions *Transactions
}

// Rounds sets how often racers are let loose on the compare-and-swap, by
// default 300; other races run a tenth of it, and at least once. Lower it where
// each statement costs milliseconds.
func Rounds(n int) Option {
	return func(o *options) { o.rounds = n }
}

func optionsOf(opts []Option) options {
	o := options{rounds: 300}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Run tests a store against the contract of session.Store. Each subtest
// calls open once; open returns a store whose tables are empty, and cleans up
// through t. The store may use any number of connections, one included.
//
// Where the store is a [session.FeedStore] too, the suite tests this part, else it
// skips it; open returns a store whose feed is empty and off. A store that is sharded
// gets handles that begin with the homes of their users. What a
// [session.TxStore] does is tested with [WithTransactions].
//
// Handles, hashes and secrets are random so that they differ; no check depends
// on their values.
func Run(t *testing.T, open func(t *testing.T) session.Store, opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	for _, p := range parts() {
		for _, c := range p.checks {
			t.Run(c.name, func(t *testing.T) {
				store := open(t)
				if !p.isOf(store, o) {
					t.Skip("the store does not have this part")
				}
				c.run(newTrial(t, store, o))
			})
		}
	}
}

// check is one sentence of the contract. It is data and not a plain test
// function so that the suite can be tried on broken stores, whose failures are
// what is expected then: see [Failures].
type check struct {
	name string
	run  func(*trial)
}

// part is a part of the suite.
type part struct {
	// isOf reports whether the store has what the checks are about.
	isOf   func(session.Store, options) bool
	checks []check
}

// parts returns the whole suite.
func parts() []part {
	return []part{
		{func(session.Store, options) bool { return true }, checks()},
		{func(store session.Store, _ options) bool {
			_, ok := store.(session.FeedStore)
			return ok
		}, slices.Concat(feedChecks(), feedPageChecks(), feedUpkeepChecks())},
		{func(store session.Store, _ options) bool { return store.Sharded() }, shardedChecks()},
		{func(_ session.Store, o options) bool { return o.transactions != nil }, transactionChecks()},
	}
}

// checks are those of every store.
func checks() []check {
	return slices.Concat(
		advanceRefusals(), advanceEffects(), advanceRaces(),
		userChecks(), handleChecks(),
		revokeChecks(), revokeAllChecks(), revokeRaces(),
		insertChecks(), extendChecks(), confirmChecks(), dataChecks(), payloadChecks(),
		listChecks(), cleanupChecks(),
		labelChecks(), walkChecks(), revokeManyChecks(), downgradeChecks(),
		keyChecks(), keyRetirementChecks(),
		contextChecks(),
	)
}

// tester is what a check needs of *testing.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Context() context.Context
}
