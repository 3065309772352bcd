package claim

import (
	"encoding/json"
	"time"
)

// maxTime bounds the "t" of a claim: what a front end's number holds exactly.
const maxTime = 1 << 53

// payload is a session's payload by member; nil when it is no object.
type payload = map[string]json.RawMessage

// member is a claim in the payload.
type member[V any] struct {
	Value     V     `json:"v"`
	FetchedAt int64 `json:"t"`
}

func (c Claim[V]) member(value V, now time.Time) any {
	return member[V]{c.codec.normal(value), now.UnixMilli()}
}

// read finds the claim among the payload's members. A claim of any other shape
// counts as absent: it proves nothing, and fetching heals it.
func (c Claim[V]) read(members payload) (value V, fetchedAt int64, ok bool) {
	text := members[c.cfg.ID]
	if !c.usable() || len(text) == 0 || text[0] != '{' {
		return value, 0, false
	}
	// Not into a struct: its fields would be found by names in any case.
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return value, 0, false
	}
	fetchedAt, ok = decodeScalar[int64](fields["t"])
	if !ok || fetchedAt < 0 || fetchedAt > maxTime {
		return value, 0, false
	}
	value, ok = c.codec.decode(fields["v"])
	return value, fetchedAt, ok
}

// codec is how values of one type travel.
type codec[V any] struct {
	decode func(json.RawMessage) (V, bool)
	// normal is the value to encode: without the nil that JSON would tell apart.
	normal func(V) V
}

func scalarCodec[T Scalar]() codec[T] {
	return codec[T]{decode: decodeScalar[T], normal: func(value T) T { return value }}
}

func arrayCodec[T Scalar]() codec[[]T] {
	return codec[[]T]{decode: decodeArray[T], normal: func(values []T) []T {
		// "No roles" must be [] and not null, which would be "not known".
		return append([]T{}, values...)
	}}
}

// decodeScalar wants a value of exactly this type. null is a value of none, though
// json.Unmarshal takes it for every zero value.
func decodeScalar[T Scalar](text json.RawMessage) (value T, ok bool) {
	if len(text) == 0 || string(text) == "null" {
		return value, false
	}
	if json.Unmarshal(text, &value) != nil {
		return *new(T), false
	}
	return value, true
}

// decodeArray wants an array of nothing but such values.
func decodeArray[T Scalar](text json.RawMessage) ([]T, bool) {
	var elements []json.RawMessage
	if len(text) == 0 || text[0] != '[' || json.Unmarshal(text, &elements) != nil {
		return nil, false
	}
	values := make([]T, 0, len(elements))
	for _, element := range elements {
		value, ok := decodeScalar[T](element)
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}
