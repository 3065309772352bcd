package otel_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/contrib/otel"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// traced is an exporter in memory, and a tracer that tells it.
func traced(t *testing.T) (*tracetest.InMemoryExporter, trace.Tracer) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
	t.Cleanup(func() { _ = provider.Shutdown(context.WithoutCancel(t.Context())) })
	return exporter, provider.Tracer("sessionkit")
}

// service is a Service on store, and its log at Debug.
func service(t *testing.T, store session.Store, change ...func(*session.Config)) (*session.Service, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	cfg := session.Config{
		Logger:  slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Cleanup: session.CleanupConfig{Every: session.Off},
	}
	for _, f := range change {
		f(&cfg)
	}
	svc, err := session.New(t.Context(), store, cfg)
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	return svc, log
}

// within runs act in a span and returns the spans below it, in the order in which they
// ended.
func within(t *testing.T, exporter *tracetest.InMemoryExporter, tracer trace.Tracer, act func(context.Context)) tracetest.SpanStubs {
	t.Helper()
	exporter.Reset()
	ctx, request := tracer.Start(t.Context(), "GET /me")
	act(ctx)
	request.End()
	all := exporter.GetSpans()
	require.Equal(t, "GET /me", all[len(all)-1].Name)
	return all[:len(all)-1]
}

// said is a span as one line: its name and attributes.
func said(span tracetest.SpanStub) string {
	text := span.Name
	for _, kv := range span.Attributes {
		if kv.Key != "sessionkit.session" {
			text += " " + strings.TrimPrefix(string(kv.Key), "sessionkit.") + "=" + kv.Value.Emit()
		}
	}
	return text
}

func saidOf(spans tracetest.SpanStubs) (lines []string) {
	for _, span := range spans {
		lines = append(lines, said(span))
	}
	return lines
}

func value(span tracetest.SpanStub, key attribute.Key) string {
	for _, kv := range span.Attributes {
		if kv.Key == key {
			return kv.Value.AsString()
		}
	}
	return ""
}

// illStore says that something is wrong with it.
type illStore struct{ session.Store }

func (illStore) Diagnose(context.Context) models.Diagnosis {
	return models.Diagnosis{Findings: []models.Finding{{Severity: models.SeverityError, About: "database", Problem: "ill"}}}
}

// Doctor asks the store below the spans.
func TestStore_diagnose(t *testing.T) {
	t.Parallel()
	exporter, tracer := traced(t)
	about := func(store session.Store) (found []string) {
		svc, _ := service(t, otel.Store(store, tracer))
		within(t, exporter, tracer, func(ctx context.Context) {
			for _, f := range svc.Doctor(ctx) {
				found = append(found, f.Problem)
			}
		})
		return found
	}
	well := about(memstore.New())
	require.NotContains(t, well, "ill")
	require.ElementsMatch(t, append(well, "ill"), about(illStore{memstore.New()}))
}

// The life of a session: a span for each call of the store, named by the hash that the
// log has too, and none where no call is needed.
func TestStore(t *testing.T) {
	t.Parallel()
	exporter, tracer := traced(t)
	svc, log := service(t, otel.Store(memstore.New(), tracer))
	ctx := t.Context()
	tokens, err := svc.Create(ctx, "alice")
	require.NoError(t, err)
	require.Empty(t, exporter.GetSpans(), "no trace leads here")

	verify := func(ctx context.Context, tokens *session.Tokens) {
		_, _, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
	}
	require.Empty(t, within(t, exporter, tracer, func(ctx context.Context) { verify(ctx, tokens) }))

	var next *session.Tokens
	refreshed := within(t, exporter, tracer, func(ctx context.Context) {
		next, err = svc.Refresh(ctx, tokens.Refresh.Value)
		require.NoError(t, err)
	})
	require.Equal(t, []string{"sessionkit.Find verdict=found"}, saidOf(refreshed))
	require.Equal(t, []string{"sessionkit.Advance verdict=applied"},
		saidOf(within(t, exporter, tracer, func(ctx context.Context) { verify(ctx, next) })))

	stolen := within(t, exporter, tracer, func(ctx context.Context) {
		_, err := svc.Refresh(ctx, tokens.Refresh.Value)
		require.Error(t, err)
	})
	require.Equal(t, []string{"sessionkit.Find verdict=found", "sessionkit.Revoke reason=theft verdict=applied"}, saidOf(stolen))

	hash := value(stolen[0], "sessionkit.session")
	require.NotEmpty(t, hash)
	require.Contains(t, log.String(), "token_theft\" session="+hash)
	for _, span := range append(stolen, refreshed...) {
		require.Equal(t, hash, value(span, "sessionkit.session"), span.Name)
		for _, kv := range span.Attributes {
			require.NotContains(t, kv.Value.Emit(), "alice")
			require.NotContains(t, kv.Value.Emit(), tokens.Session.Handle())
		}
	}
}

// A failure of the database is in its span.
func TestStore_failure(t *testing.T) {
	t.Parallel()
	exporter, tracer := traced(t)
	faulty := storetest.Faulty(memstore.New())
	svc, _ := service(t, otel.Store(faulty, tracer))
	faulty.Arm(storetest.Fault{})
	failed := within(t, exporter, tracer, func(ctx context.Context) {
		_, err := svc.Create(ctx, "alice")
		require.Error(t, err)
	})
	require.Len(t, failed, 1)
	require.Equal(t, "sessionkit.Insert", failed[0].Name)
	require.Equal(t, sdk.Status{Code: codes.Error, Description: "unavailable"}, failed[0].Status)
	require.Len(t, failed[0].Events, 1)
}

// statements traces what GORM sends, as the plugins do that applications use: by
// callbacks, in the statement's context.
type statements struct{ tracer trace.Tracer }

func (statements) Name() string { return "statements" }

func (s statements) Initialize(db *gorm.DB) error {
	begin := func(db *gorm.DB) {
		db.Statement.Context, _ = s.tracer.Start(db.Statement.Context, "sql")
	}
	end := func(db *gorm.DB) { trace.SpanFromContext(db.Statement.Context).End() }
	c := db.Callback()
	for _, err := range []error{
		c.Raw().Before("gorm:raw").Register("b", begin), c.Raw().After("gorm:raw").Register("a", end),
		c.Row().Before("gorm:row").Register("b", begin), c.Row().After("gorm:row").Register("a", end),
		c.Query().Before("gorm:query").Register("b", begin), c.Query().After("gorm:query").Register("a", end),
		c.Create().Before("gorm:create").Register("b", begin), c.Create().After("gorm:create").Register("a", end),
		c.Update().Before("gorm:update").Register("b", begin), c.Update().After("gorm:update").Register("a", end),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// The statements of a database that GORM's plugins trace are the children of the calls.
func TestStore_statements(t *testing.T) {
	t.Parallel()
	exporter, tracer := traced(t)
	db, err := sqlite.Open(sqlite.Memory)
	require.NoError(t, err)
	require.NoError(t, db.Use(statements{tracer}))
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	svc, _ := service(t, otel.Store(store, tracer), func(c *session.Config) { c.Revocation = session.RevokeSoon })

	var tokens *session.Tokens
	for call, act := range map[string]func(context.Context){
		"sessionkit.Insert": func(ctx context.Context) {
			tokens, err = svc.Create(ctx, "alice")
			require.NoError(t, err)
		},
	} {
		spans := within(t, exporter, tracer, act)
		require.Equal(t, []string{"sql", call}, saidOf(spans))
		require.Equal(t, spans[1].SpanContext.SpanID(), spans[0].Parent.SpanID())
		require.Equal(t, spans[1].SpanContext.TraceID(), spans[0].SpanContext.TraceID())
	}
	ended := within(t, exporter, tracer, func(ctx context.Context) {
		_, err := svc.RevokeAll(ctx, "alice")
		require.NoError(t, err)
	})
	calls := map[trace.SpanID]string{}
	for _, span := range ended {
		calls[span.SpanContext.SpanID()] = said(span)
	}
	var parents []string
	for _, span := range ended {
		if span.Name == "sql" {
			require.Contains(t, calls, span.Parent.SpanID())
			parents = append(parents, calls[span.Parent.SpanID()])
		}
	}
	require.Contains(t, parents, "sessionkit.WriteHint")
	require.Contains(t, parents, "sessionkit.RevokeAll reason=revoke-all count=1")
	require.NotEmpty(t, tokens)
}

// The wrapped store keeps the whole contract.
func TestStore_conformance(t *testing.T) {
	t.Parallel()
	_, tracer := traced(t)
	storetest.Run(t, func(*testing.T) session.Store { return otel.Store(memstore.New(), tracer) })
}

// Names and attributes of spans are frozen, those of all methods.
func TestStore_names(t *testing.T) {
	t.Parallel()
	exporter, tracer := traced(t)
	ctx, request := tracer.Start(t.Context(), "all")
	store, ok := otel.Store(memstore.New(), tracer).(session.FeedStore)
	require.True(t, ok)
	lines := callAll(ctx, t, exporter, store)
	request.End()
	golden(t, "testdata/spans.txt", lines)
}

func TestStore_nil(t *testing.T) {
	t.Parallel()
	_, tracer := traced(t)
	require.Nil(t, otel.Store(nil, tracer))
}
