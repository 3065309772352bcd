// Package sessiontest helps to test applications of the kit: [Clock] is a clock
// that moves when told to, for session.Config.Now. A store for such tests is
// models/memstore.
package sessiontest
