package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
	"github.com/gin-sessionkit/sessionkit/models"
)

// RevokeOption changes a RevokeWhere.
type RevokeOption func(*revocation)

// DryRun counts the sessions and ends none.
func DryRun() RevokeOption { return func(r *revocation) { r.dry = true } }

// ResumeAfter goes on where a call with the same Filter broke off: after is the After
// of its Revoked. What comes before that place is not read again.
func ResumeAfter(after string) RevokeOption { return func(r *revocation) { r.after = after } }

// Revoked is what RevokeWhere did.
type Revoked struct {
	// Count is how many sessions have surely ended; with DryRun, how many would.
	Count int
	// After is where to go on, for ResumeAfter. It is empty when the call is through,
	// and when it broke off at the begin.
	After string
}

// RevokeWhere ends the sessions that filter selects, whoever's they are: for operators,
// who count first by the option DryRun.
//
// When it returns without an error, every session has ended that was selected when the
// call began; sessions created while it runs may live on. A session that is used
// between being read and being ended ends although NotUsedSince would spare it by then.
//
// With Filter.Users it reads the sessions of these users. Without, it reads the whole
// table in the order of its primary key, which takes a while: a statement for each 1000
// rows that have not been cleaned up yet, a hundredth of a second after each of them,
// and Config.Cleanup.Pause after each that ended something. No lock is held in between.
// Config.OperationTimeout bounds a statement, ctx the whole. When that ends, or the
// database fails, the error comes with what was done so far: ResumeAfter goes on there,
// and a call without it does the same from the begin, which is harmless.
//
// Errors: [errors.ErrInvalidInput] (what is wrong with the filter, or with the place to
// go on), [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) RevokeWhere(ctx context.Context, filter Filter, opts ...RevokeOption) (Revoked, error) {
	if err := s.checkOpen(); err != nil {
		return Revoked{}, err
	}
	sel, err := s.selection(filter)
	if err != nil {
		return Revoked{}, err
	}
	r := revocation{scan: scan{Service: s, sel: sel, limit: maxPage}, told: announcement{tell: s.hint, now: s.now, sel: sel, everybody: sel.everything}}
	for _, opt := range opts {
		opt(&r)
	}
	if r.at, err = parsePlace(r.after, sel.users != nil); err != nil {
		return Revoked{}, err
	}
	return r.run(ctx)
}

// RevokeEverything ends all sessions of everybody, such as after a break-in, and
// returns how many. It is RevokeWhere with a Filter of All: true; see there.
func (s *Service) RevokeEverything(ctx context.Context) (int, error) {
	done, err := s.RevokeWhere(ctx, Filter{All: true})
	return done.Count, err
}

// revocation is a RevokeWhere under way.
type revocation struct {
	scan
	after string
	dry   bool
	told  announcement
}

// readingPause is the pause after a page of which nothing was ended. Reading a thousand
// rows takes some milliseconds, so that the scan keeps one connection busy for less
// than half of the time.
const readingPause = 10 * time.Millisecond

// againTimeout is how long the last hints may take beyond ctx: what is not written by
// then is written in the background.
const againTimeout = 10 * time.Second

func (r *revocation) run(ctx context.Context) (done Revoked, err error) {
	done.After = r.scan.after()
	for err == nil && !r.done {
		var ended int
		if ended, err = r.step(ctx); err != nil {
			break
		}
		done.Count += ended
		if done.After = r.scan.after(); r.done {
			break
		}
		pause := readingPause
		if ended > 0 && !r.dry {
			pause = r.cfg.Cleanup.Pause
		}
		if !wait.Sleep(ctx, pause) {
			err = errors.WithReason(errors.ErrUnavailable, ctx.Err())
		}
	}
	if !r.dry {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), againTimeout)
		if untold := r.told.again(last); err == nil {
			err = untold
		}
		cancel()
	}
	if done.Count > 0 && !r.dry {
		event := Event{Kind: EventRevoked, Reason: models.RevokedByOperator, Count: done.Count}
		if len(r.sel.users) == 1 {
			event.UserID = r.sel.users[0]
		}
		r.emit(ctx, event)
	}
	return done, err
}

// step ends what is selected of one page, and returns how many that were.
func (r *revocation) step(ctx context.Context) (int, error) {
	rows, err := r.next(ctx)
	if err != nil || r.dry || len(rows) == 0 {
		return len(rows), err
	}
	telling, done := r.bounded(ctx)
	r.told.before(telling, rows)
	done()
	many := models.RevocationOfMany{Handles: handlesOfRows(rows), Reason: models.RevokedByOperator, Now: r.now()}
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	return r.store.RevokeMany(ctx, many)
}
