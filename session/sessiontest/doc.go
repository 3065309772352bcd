// Package sessiontest helps to test applications of the kit, and stores for
// it.
//
//   - [Store] is a session.Store in memory, for tests and for trying things
//     out. It loses everything when the process ends and shares nothing with
//     other processes, so it does not belong into production.
//   - [Clock] is a clock that moves when told to, for session.Config.Now.
//   - [Faulty] wraps a store, fails chosen calls and counts all of them.
package sessiontest
