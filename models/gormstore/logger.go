package gormstore

import (
	"context"
	"time"

	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// quietLogger is the application's logger without the values that the
// statements bind, and without the drivers' messages, which quote them: hashes
// of live tokens and sealed keys have no place in a log, nor do the payloads of
// users.
//
// Statements themselves are logged as the application has set it, slow ones
// included.
type quietLogger struct {
	inner   logger.Interface
	dialect string
}

// ParamsFilter keeps GORM from putting the values into the SQL that it logs; it
// implements [gorm.io/gorm.ParamsFilter].
func (l quietLogger) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

// LogMode returns the same at another level.
func (l quietLogger) LogMode(level logger.LogLevel) logger.Interface {
	return quietLogger{inner: l.inner.LogMode(level), dialect: l.dialect}
}

// Info passes the message without its data on.
func (l quietLogger) Info(ctx context.Context, msg string, data ...any) {
	l.inner.Info(ctx, msg, redacted(data)...)
}

// Warn passes the message without its data on.
func (l quietLogger) Warn(ctx context.Context, msg string, data ...any) {
	l.inner.Warn(ctx, msg, redacted(data)...)
}

// Error passes the message without its data on.
func (l quietLogger) Error(ctx context.Context, msg string, data ...any) {
	l.inner.Error(ctx, msg, redacted(data)...)
}

// Trace passes the statement on. A duplicate key is how a race ends, and no
// fault to be logged.
func (l quietLogger) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	if err != nil {
		err = translate(ctx, l.dialect, err)
		if errors.Is(err, errors.ErrDuplicate) {
			err = nil
		}
	}
	l.inner.Trace(ctx, begin, fc, err)
}

// redacted puts a word in the place of each value, as nobody knows what is in
// them.
func redacted(data []any) []any {
	out := make([]any, len(data))
	for i := range out {
		out[i] = "[hidden]"
	}
	return out
}
