package session

import (
	"context"
	"encoding/json"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Data reads the data of the session named by handle into dst, as
// [json.Unmarshal] does; numbers that meet an interface value become
// [json.Number] and keep every digit. Absent data leaves dst untouched; a
// *json.RawMessage tells absent (nil) from null.
//
// Errors: errors.ErrUnauthorised (no such live session),
// errors.ErrInvalidInput (dst does not fit), errors.ErrUnavailable,
// errors.ErrGeneral.
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

// UpdateData replaces the data of the session named by handle by v, any JSON
// value up to 64 KiB; nil is JSON's null, Undefined{} removes it. The last writer wins: use
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
// Errors: as Data, and errors.ErrConflict (an errors.ErrUnavailable) when too many
// others wrote. After any errors.ErrUnavailable the change may have been
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
