// Package importrefjwt takes over the sessions of supertokens-node-mysql-ref-jwt, the
// npm library (read at version 5.0.4), so that nobody signs in again when its back end
// is replaced by one on this kit:
//
//	importer, err := importrefjwt.New(ctx, db, importrefjwt.Config{})
//	svc, err := session.New(ctx, store, session.Config{
//		Import: session.ImportConfig{From: importer, Key: importKey, Sunset: sunset},
//	})
//
// docs/from-supertokens.md says how such a move goes, day by day, and what the way back
// costs. References to files below are to that version's lib/ts.
package importrefjwt
