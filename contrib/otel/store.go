package otel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The attributes of spans.
const (
	sessionKey = "sessionkit.session"
	verdictKey = "sessionkit.verdict"
	reasonKey  = "sessionkit.reason"
	countKey   = "sessionkit.count"
)

// Store returns store with a span around each call that is made on the way of a request
// which is traced: "sessionkit.Find", "sessionkit.Advance" and so on. What the store
// does below it, such as the statements that a plugin of GORM traces, are its children.
// Calls that no trace leads to, such as the polls of the feed, make none. A request
// that needs no database has no call, and costs what it did. What a session.Batch does
// in a transaction of the application is not among them: the store of that is made
// there, and a plugin of GORM shows its statements beside the application's own.
//
// Attributes: sessionkit.session, the short hash of the session's handle that the kit's
// log has too; sessionkit.verdict, what became of it ("found", "revoked" or "none" for
// a row that was read, "applied" or "not applied" for a write with a condition);
// sessionkit.reason of an ending; sessionkit.count, how many rows.
func Store(store session.Store, tracer trace.Tracer) session.Store {
	if store == nil {
		return nil // as session.New says
	}
	s := spans{store, tracer}
	if feed, ok := store.(session.FeedStore); ok {
		return &feedSpans{s, feed}
	}
	return &s
}

// spans is a store whose calls are spans.
type spans struct {
	session.Store
	tracer trace.Tracer
}

// Diagnose is what the store says to Service.Doctor, if it has that method; its probes
// are no calls of a request, and make no spans.
func (s *spans) Diagnose(ctx context.Context) models.Diagnosis {
	if store, ok := s.Store.(interface {
		Diagnose(ctx context.Context) models.Diagnosis
	}); ok {
		return store.Diagnose(ctx)
	}
	return models.Diagnosis{}
}

// start begins the span of a call, where there is a trace to be part of.
func (s *spans) start(ctx context.Context, call, handle string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, noop.Span{}
	}
	if handle != "" {
		attributes = append(attributes, attribute.String(sessionKey, shortHash(handle)))
	}
	return s.tracer.Start(ctx, "sessionkit."+call, trace.WithAttributes(attributes...))
}

// ended ends the span of a call and passes its error on. That has no token, handle or
// value in it, as session.Store demands.
func ended(span trace.Span, err error, attributes ...attribute.KeyValue) error {
	defer span.End()
	switch {
	case err == nil:
		span.SetAttributes(attributes...)
	case errors.Is(err, errors.ErrUnavailable):
		span.RecordError(err)
		span.SetStatus(codes.Error, "unavailable")
	default:
		span.RecordError(err)
		span.SetStatus(codes.Error, "error")
	}
	return err
}

func applied(yes bool) attribute.KeyValue {
	if yes {
		return attribute.String(verdictKey, "applied")
	}
	return attribute.String(verdictKey, "not applied")
}

func row(found *models.Session) attribute.KeyValue {
	switch {
	case found == nil:
		return attribute.String(verdictKey, "none")
	case found.RevokedAt != 0:
		return attribute.String(verdictKey, "revoked")
	default:
		return attribute.String(verdictKey, "found")
	}
}

func counted(n int) attribute.KeyValue { return attribute.Int(countKey, n) }

// shortHash is how the kit's log names a session.
func shortHash(handle string) string {
	sum := sha256.Sum256([]byte("sessionkit.log.v1:" + handle))
	return hex.EncodeToString(sum[:6])
}
