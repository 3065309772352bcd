// Package sessiontest helps to test applications of the kit, and stores for
// it.
//
//   - [Store] is a session.Store in memory, for tests and for trying things
//     out. It loses everything when the process ends and shares nothing with
//     other processes, so it does not belong into production.
//   - [RunStore] is the conformance suite: the contract of session.Store as a
//     specification that runs. Whoever writes a store runs it, against the real
//     database.
//   - [Clock] is a clock that moves when told to, for session.Config.Now.
//   - [Faulty] wraps a store, fails chosen calls and counts all of them.
package sessiontest
