package gormstore

import (
	"context"
	"fmt"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// outcome says what became of a statement that failed.
type outcome int

const (
	// final: repeating it would not help, or is the caller's to decide.
	final outcome = iota
	// wasUndone: the database rolled it back, and may carry it out next time.
	wasUndone
	// unknown: the connection broke. It may have been carried out, or still be.
	unknown
)

// judgement is what an error of GORM or of a driver means to the kit.
type judgement struct {
	// class and reason go to the caller.
	class, reason error
	// outcome goes to retry.
	outcome outcome
}

// translate is the function translate for the dialect of s.
func (s *Store) translate(ctx context.Context, err error) error {
	return translate(ctx, s.dialect, err)
}

// translate turns err into an error of the kit. The driver's text stays behind,
// because it may quote values: a duplicate entry, a value out of range. An
// error of the kit is returned as it is, so that translating twice does no
// harm.
func translate(ctx context.Context, dialect string, err error) error {
	if err == nil || errors.FromKit(err) {
		return err
	}
	v := judge(dialect, err)
	if ended := ctx.Err(); ended != nil && errors.Is(v.class, errors.ErrUnavailable) {
		// Drivers report the end of a context in many ways, some of them as a
		// broken connection: which is what they make of it.
		v.reason = ended
	}
	return errors.WithReason(v.class, v.reason)
}

// judge classifies err, of which it returns numbers and fixed texts only.
//
// What no statement of the kit can cause by its shape is "unavailable, try
// again": servers in maintenance, proxies, changed passwords and exhausted
// machines have more errors than any list. So the lists name what is the
// statement's own fault, and of the rest only what may be repeated or has a
// reason worth telling.
func judge(dialect string, err error) judgement {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return judgeMySQL(e)
	}
	if state, ok := postgresState(err); ok {
		return judgePostgres(state)
	}
	if dialect == sqliteDialect {
		if code, ok := sqliteCode(err); ok {
			return judgeSQLite(code, err.Error())
		}
	}
	// What is left of an error under gorm.Config.TranslateError: GORM puts its
	// own in the place of the driver's, the number is gone.
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return duplicate.because("duplicate key")
	case errors.Is(err, gorm.ErrInvalidField):
		return wrongSchema.because("unknown column")
	}
	return judgeConnection(err)
}

// meaning is what an error says to the kit. docs/database-errors.md has a table
// of what each leads to.
type meaning int

const (
	// away: unavailable; a repetition at once would not help.
	away meaning = iota
	// undone: unavailable, and nothing was carried out. It is repeated.
	undone
	// unsure: unavailable; it may have been carried out, or still be.
	unsure
	// duplicate: a row with this key is there.
	duplicate
	// wrongSchema: a table or column is missing.
	wrongSchema
	// tooLarge: a value is larger than the server takes.
	tooLarge
	// badText: a text has characters that the column cannot hold.
	badText
	// faulty: the statement's own fault.
	faulty
)

// because gives the meaning a reason: words of this package, never the
// server's.
func (m meaning) because(text string) judgement {
	plain := errors.New(text)
	switch m {
	case undone:
		return judgement{errors.ErrUnavailable, plain, wasUndone}
	case unsure:
		return judgement{errors.ErrUnavailable, plain, unknown}
	case duplicate:
		return judgement{errors.ErrGeneral, fmt.Errorf("%w: %s", errors.ErrDuplicate, text), final}
	case wrongSchema:
		return judgement{errors.ErrGeneral, fmt.Errorf("%w: %s", errors.ErrSchema, text), final}
	case tooLarge:
		return judgement{errors.ErrInvalidInput, fmt.Errorf("%w: %s", errors.ErrValueTooLarge, text), final}
	case badText:
		return judgement{errors.ErrGeneral, fmt.Errorf("%w: %s", errBadText, text), final}
	case faulty:
		return judgement{errors.ErrGeneral, plain, final}
	default:
		return judgement{errors.ErrUnavailable, plain, final}
	}
}

// errBadText is the reason of a text that the database cannot hold. Insert asks
// for it, to store a user agent without the characters that are the matter.
var errBadText = errors.New("text does not fit its column")
