package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// announcement tells the other processes of what is being ended by many statements:
// before each batch, so that nobody relies on what it ends, and of everything again
// when the work is over, as by then some may have looked too early.
type announcement struct {
	tell func(context.Context, ...models.Hint) error
	now  func() int64
	sel  *selection
	// told are the hints so far. Once they are too many, everybody takes their place,
	// and was told last at the given time.
	told      []models.Hint
	everybody bool
	at        int64
}

// maxHints is how many hints are written before one about everybody takes their place:
// each is a row that every process reads.
const maxHints = 1000

// renewAfter is how long a hint about everybody holds for further batches. A process
// that has read it asks for a minute, then it believes what it saw: so a batch is told
// of in time, also if this process is killed before the end.
const renewAfter = 30 * time.Second

// before is called before rows are ended. A failure is left to again.
func (a *announcement) before(ctx context.Context, rows []models.Session) {
	hints := a.hintsOf(rows)
	if a.everybody = a.everybody || len(a.told)+len(hints) > maxHints; !a.everybody {
		a.told = append(a.told, hints...)
		if len(hints) > 0 {
			_ = a.tell(ctx, hints...)
		}
		return
	}
	if now := a.now(); a.at == 0 || now-a.at >= millis(renewAfter) {
		a.at = now
		_ = a.tell(ctx, models.Hint{Kind: models.HintAll})
	}
}

// hintsOf are the hints about rows that have not been told. A user's rows come one
// after the other.
func (a *announcement) hintsOf(rows []models.Session) (hints []models.Hint) {
	last := ""
	if len(a.told) > 0 {
		last = a.told[len(a.told)-1].Subject
	}
	for i := range rows {
		h := models.Hint{Kind: models.HintSession, Subject: rows[i].Handle, Owner: rows[i].UserID}
		if a.sel.users != nil {
			h = models.Hint{Kind: models.HintUser, Subject: rows[i].UserID}
		}
		if h.Subject != last {
			last, hints = h.Subject, append(hints, h)
		}
	}
	return hints
}

// again tells of everything that was ended. Where the selection itself says whose
// sessions those are, it does so although nothing was found: the call may repeat one
// that ended them and could not tell.
func (a *announcement) again(ctx context.Context) error {
	hints := a.told
	if users := a.sel.users; len(users) > maxHints {
		a.everybody = true
	} else if users != nil {
		hints = nil
		for _, user := range users {
			hints = append(hints, models.Hint{Kind: models.HintUser, Subject: user})
		}
	}
	if a.everybody {
		hints = []models.Hint{{Kind: models.HintAll}}
	}
	if len(hints) == 0 {
		return nil
	}
	return a.tell(ctx, hints...)
}
