package session

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Data reads the data of the session named by handle into dst, as
// [json.Unmarshal] does; numbers that meet an interface value become
// [json.Number] and keep every digit. Absent data leaves dst untouched; a
// *json.RawMessage tells absent (nil) from null.
//
// Errors: [errors.ErrUnauthorised] (no such live session),
// [errors.ErrInvalidInput] (dst does not fit), [errors.ErrUnavailable],
// [errors.ErrGeneral].
func (s *Service) Data(ctx context.Context, handle string, dst any) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	row, err := s.live(ctx, handle)
	if err != nil {
		return err
	}
	return decodeValue(row.Data, dst)
}

// UpdateData replaces the data of the session named by handle by v, any JSON value up
// to 64 KiB; nil is JSON's null, Undefined{} removes it. The last writer wins: use
// ModifyData to change what is there.
//
// Errors: as Data.
func (s *Service) UpdateData(ctx context.Context, handle string, v any) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	data, err := encodeData(v)
	if err != nil {
		return err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	found, err := s.store.WriteData(ctx, models.DataWrite{Handle: handle, Data: data, Now: s.now()})
	if err == nil && !found {
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionNotFound)
	}
	return err
}

// ModifyData changes data by reading, calling modify and writing, without ever
// losing a concurrent change: if the data changed meanwhile, modify is called again
// with the newer one. It gets nil for absent data, and what it returns is
// encoded as in UpdateData. An error of modify is returned as it is and nothing
// is written.
//
// Errors: as Data, and [errors.ErrConflict] (an [errors.ErrUnavailable]) when too many
// others wrote. After any [errors.ErrUnavailable] the change may have been
// written or not.
func (s *Service) ModifyData(ctx context.Context, handle string, modify func(current json.RawMessage) (any, error)) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	// Many writers of one session are rare, and each round one of them succeeds.
	for range 16 * lineage.MaxAttempts {
		row, err := s.live(ctx, handle)
		if err != nil {
			return err
		}
		v, err := modify(row.Data)
		if err != nil {
			return err
		}
		data, err := encodeData(v)
		if err != nil {
			return err
		}
		written, err := s.store.WriteData(ctx, models.DataWrite{
			Handle: handle, Data: data, IfVersion: &row.DataVersion, Now: s.now(),
		})
		if err != nil || written {
			return err
		}
	}
	return errors.WithReason(errors.ErrUnavailable, errors.ErrConflict)
}

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
