package session

import (
	"context"
	"fmt"

	"github.com/gin-sessionkit/sessionkit/models"
)

// pagesPerCall bounds what one call of Sessions reads: ten thousand rows, or a thousand
// users.
const pagesPerCall = 10

// Sessions returns up to limit, 1 to 1000, of the live sessions that filter selects,
// for the lists of operators: in the order of handles, which is roughly that of
// sign-in (in a sharded store within each home), or with Filter.Users by user, oldest
// first. after is empty for the first page, and then the After of the page before; it
// may come back from a client, but the Filter must be the same.
//
// It looks at 10,000 rows or 1,000 users at most. Where few of them are selected, a
// page has fewer sessions than limit, or none, although more follow: After is empty at
// the end and only there. Lists for a user are ListPage's.
//
// Errors: [errors.ErrInvalidInput] (filter, after or limit), [errors.ErrUnavailable],
// [errors.ErrGeneral].
func (s *Service) Sessions(ctx context.Context, filter Filter, after string, limit int) (Page, error) {
	if err := s.checkOpen(); err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > maxPage {
		return Page{}, invalidInput(fmt.Errorf("limit %d is not between 1 and %d", limit, maxPage))
	}
	sel, err := s.selection(filter)
	if err != nil {
		return Page{}, err
	}
	at, err := parsePlace(after, sel.users != nil)
	if err != nil {
		return Page{}, err
	}
	look := scan{Service: s, sel: sel, at: at, limit: limit}
	var rows []models.Session
	for range pagesPerCall {
		more, err := look.next(ctx)
		if err != nil {
			return Page{}, err
		}
		rows = append(rows, counting(more)...)
		if look.done || len(rows) >= limit {
			break
		}
		look.limit = maxPage
	}
	page := Page{Sessions: []Device{}, After: look.after()}
	if len(rows) > limit {
		rows = rows[:limit]
		page.After = look.placeOf(&rows[limit-1]).String()
	}
	for i := range rows {
		page.Sessions = append(page.Sessions, deviceOf(&rows[i]))
	}
	return page, nil
}
