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
	class, reason error
	outcome       outcome
}

func (s *Store) translate(ctx context.Context, err error) error {
	return translate(ctx, s.dialect, err)
}

// translate turns err into an error of the kit. The driver's text stays behind,
// because it may quote values: a duplicate entry, a value out of range.
func translate(ctx context.Context, dialect string, err error) error {
	if err == nil || errors.IsAuth(err) {
		return err
	}
	v := judge(dialect, err)
	if ended := ctx.Err(); ended != nil && errors.Is(v.class, errors.ErrUnavailable) {
		v.reason = ended // drivers report it in many ways
	}
	return errors.WithReason(v.class, v.reason)
}

// judge classifies err, of which it returns numbers and fixed texts only.
//
// What no statement of the kit can cause by its shape is "unavailable, try again":
// servers in maintenance, proxies, changed passwords and exhausted machines have
// more errors than any list. So the lists name what is the statement's own fault,
// and of the rest only what may be repeated or has a reason worth telling.
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
	// What is left of an error under gorm.Config.TranslateError.
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return duplicate.because("duplicate key")
	case errors.Is(err, gorm.ErrInvalidField):
		return wrongSchema.because("unknown column")
	}
	return judgeConnection(err)
}

// meaning is what an error says to the kit.
type meaning int

const (
	away        meaning = iota // unavailable; a repetition at once would not help
	undone                     // unavailable, and carried out is nothing: repeated
	unsure                     // unavailable; it may have been carried out, or still be
	duplicate                  // a row with this key is there
	wrongSchema                // a table or column is missing
	tooLarge                   // a value is larger than the server takes
	badText                    // a text has characters that the column cannot hold
	faulty                     // the statement's own fault
)

// judgement gives the meaning a reason.
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

// errBadText is the reason of a text that the database cannot hold.
var errBadText = errors.New("text does not fit its column")
