// Package redact lets a type show nothing of itself: not under any fmt verb, not in
// JSON or another text format, not in a log.
//
// A type whose text is always the same embeds an [As]. One whose text tells more, such
// as the id of a key, writes its methods by itself and has the compiler count them:
//
//	var _ redact.Hidden = Key{}
package redact

import (
	"encoding"
	"fmt"
	"log/slog"
)

// Hidden is what it takes. A type that misses one of the three is read field by field:
// without Format under %#v and %x, without MarshalText in JSON and XML, without
// LogValue in a handler that does neither.
type Hidden interface {
	fmt.Formatter
	encoding.TextMarshaler
	slog.LogValuer
}

// As makes the struct that embeds it Hidden: what a zero T says stands for it and for
// a pointer to it. It takes no room as the first field. The struct must not embed a
// second type that is Hidden: neither's methods would count then.
type As[T fmt.Stringer] struct{}

// String implements [fmt.Stringer].
func (As[T]) String() string {
	var t T
	return t.String()
}

// Format implements [fmt.Formatter]: the verb makes no difference.
func (a As[T]) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.String())) }

// MarshalText implements [encoding.TextMarshaler].
func (a As[T]) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue implements [slog.LogValuer].
func (a As[T]) LogValue() slog.Value { return slog.StringValue(a.String()) }
