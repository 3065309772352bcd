// Package storetest is for authors of stores: the contract of [session.Store] as
// a specification that runs, and a store that fails on demand.
//
// [Run] tests a store. Whoever writes one runs it, against the real database:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store {
//			return mystore.New(emptyDatabase(t))
//		})
//	}
//
// A store that is a [session.FeedStore] too is tested as one. For what it does in an
// application's transaction, say how to begin one: [WithTransactions].
//
// [Failures] names the checks that a store fails, for those who try whether the
// suite would see a bug: break the store on purpose and look.
//
// [Faulty] wraps a store, fails chosen calls and counts all of them.
package storetest
