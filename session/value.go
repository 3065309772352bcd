package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Undefined is the value of a payload or of session data that is absent: the
// seed's undefined, which is not null.
type Undefined struct{}

// maxDataSize bounds session data, as JSON text in bytes.
const maxDataSize = 64 << 10

// encodeValue is v as JSON text, nil for Undefined. The text is UTF-8 and one
// that every party reads alike: no duplicate names, bounded depth.
func encodeValue(v any) (json.RawMessage, error) {
	if _, absent := v.(Undefined); absent {
		return nil, nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// The encoder's message may quote the value.
		return nil, invalidInput(errors.ErrValueNotJSON)
	}
	text := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if err := token.CheckPayload(text); err != nil {
		return nil, invalidInput(err)
	}
	return text, nil
}

// encodeData is encodeValue with the size limit of session data.
func encodeData(v any) (json.RawMessage, error) {
	text, err := encodeValue(v)
	if err == nil && len(text) > maxDataSize {
		return nil, invalidInput(errors.ErrValueTooLarge)
	}
	return text, err
}

// decodeValue writes JSON text into dst as [json.Unmarshal] does, but keeps
// every digit of numbers that meet an interface value (as [json.Number]). An
// absent value leaves dst untouched.
func decodeValue(text json.RawMessage, dst any) error {
	if text == nil {
		return nil
	}
	if raw, ok := dst.(*json.RawMessage); ok && raw != nil {
		*raw = bytes.Clone(text)
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(dst); err != nil {
		// Not the decoder's own message: it may quote the value.
		return invalidInput(fmt.Errorf("value does not fit into %T", dst))
	}
	if _, err := dec.Token(); err != io.EOF {
		return invalidInput(errors.ErrValueNotJSON)
	}
	return nil
}

func invalidInput(reason error) error { return errors.WithReason(errors.ErrInvalidInput, reason) }
