// Package otel shows a session.Service to OpenTelemetry: its numbers, and the calls of
// its store as spans.
//
//	store = otel.Store(store, provider.Tracer("sessionkit")) // before session.New
//	registration, err := otel.Metrics(svc, meters.Meter("sessionkit"))
//
// Names are sessionkit.… and are promises; testdata/names.txt has them. No attribute
// names a user; a session is named by the short hash that the kit's log has too.
package otel
