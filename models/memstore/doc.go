// Package memstore is a session.Store in memory, for tests and for trying things
// out:
//
//	svc, err := session.New(ctx, memstore.New(), session.Config{})
//
// It loses everything when the process ends and shares nothing with other
// processes: production has models/gormstore. It passes the same conformance
// suite (session/storetest) and links nothing of package testing.
package memstore
