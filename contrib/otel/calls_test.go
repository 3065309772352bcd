package otel_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gin-sessionkit/sessionkit/session"
)

// callAll calls every method of a store that takes a context, with texts in all
// of its arguments, and returns what the spans say: a method that was forgotten here would have none.
func callAll(ctx context.Context, t *testing.T, exporter *tracetest.InMemoryExporter, store session.FeedStore) (lines []string) {
	t.Helper()
	methods := reflect.TypeFor[session.FeedStore]()
	for method := range methods.Methods() {
		if method.Type.NumIn() == 0 {
			continue
		}
		arguments := []reflect.Value{reflect.ValueOf(ctx)}
		for j := 1; j < method.Type.NumIn(); j++ {
			arguments = append(arguments, filled(method.Type.In(j)))
		}
		exporter.Reset()
		reflect.ValueOf(store).MethodByName(method.Name).Call(arguments)
		spans := exporter.GetSpans()
		require.Len(t, spans, 1, method.Name)
		require.Equal(t, "sessionkit."+method.Name, spans[0].Name)
		line := spans[0].Name
		for _, kv := range spans[0].Attributes {
			line += " " + string(kv.Key)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// filled is a value whose texts are not empty, as those that name a session never are.
func filled(of reflect.Type) reflect.Value {
	if of.Kind() == reflect.Pointer {
		value := reflect.New(of.Elem())
		value.Elem().Set(filled(of.Elem()))
		return value
	}
	value := reflect.New(of).Elem()
	switch of.Kind() {
	case reflect.String:
		value.SetString("x")
	case reflect.Struct:
		for i := range of.NumField() {
			if of.Field(i).Type.Kind() == reflect.String {
				value.Field(i).SetString("x")
			}
		}
	default: // as it is
	}
	return value
}
