package session

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// scan looks through the sessions that a selection may find, one statement after the
// other: those of its users, or the whole table in the order of its primary key, which
// no other index would make cheaper for a rare operation.
type scan struct {
	*Service
	sel *selection
	// at is where the next page begins.
	at place
	// limit is how many rows the next page looks at.
	limit int
	done  bool
}

// place is where a scan is.
type place struct {
	// user is empty in a scan of the table.
	user string
	// from.Handle alone counts in a scan of the table.
	from models.Position
}

// next reads a page and returns what is selected of it, up to limit rows. After an
// error the scan is where it was. It must not be called when the scan is done.
func (s *scan) next(ctx context.Context) ([]models.Session, error) {
	if s.sel.users != nil {
		return s.nextOfUsers(ctx)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	page, err := s.store.Walk(ctx, models.Walk{After: s.at.from.Handle, Now: s.now(), Limit: s.limit})
	if err != nil {
		return nil, err
	}
	s.at.from.Handle, s.done = page.Next, page.Next == ""
	return s.sel.of(page.Sessions), nil
}

// usersPerPage bounds the statements of a page: most users have few sessions.
const usersPerPage = 100

// nextOfUsers makes one page of the sessions of several users, in the order of their
// ids. Another list of users may have been given when the scan began.
func (s *scan) nextOfUsers(ctx context.Context) (rows []models.Session, err error) {
	at := s.at
	i, found := slices.BinarySearch(s.sel.users, at.user)
	for range usersPerPage {
		if i >= len(s.sel.users) || len(rows) >= s.limit {
			break
		}
		if !found {
			at = place{user: s.sel.users[i]}
		}
		page, err := s.listed(ctx, models.SessionsOfUser{
			UserID: at.user, Now: s.now(), From: at.from, Limit: s.limit - len(rows),
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, s.sel.of(page.Sessions)...)
		if found = page.Next != nil; found {
			at.from = *page.Next
		} else {
			i++
		}
	}
	s.done = i >= len(s.sel.users)
	if !found && !s.done {
		at = place{user: s.sel.users[i]}
	}
	s.at = at
	return rows, nil
}

func (s *scan) listed(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.store.List(ctx, q)
}

// placeOf is the place behind row.
func (s *scan) placeOf(row *models.Session) place {
	if s.sel.users == nil {
		return place{from: models.Position{Handle: row.Handle}}
	}
	return place{user: row.UserID, from: row.Position()}
}

// after is the place as callers keep it; empty when nothing is left.
func (s *scan) after() string {
	if s.done {
		return ""
	}
	return s.at.String()
}

// String is empty for the begin.
func (p place) String() string {
	switch {
	case p.user != "":
		return "u." + base64.RawURLEncoding.EncodeToString([]byte(p.user)) + "." + strconv.FormatInt(p.from.CreatedAt, 36) + "." + p.from.Handle
	case p.from.Handle != "":
		return "h." + p.from.Handle
	default:
		return ""
	}
}

// parsePlace reads what String wrote, for a scan of users or of the table.
func parsePlace(text string, users bool) (place, error) {
	if text == "" {
		return place{}, nil
	}
	wrong := invalidInput(errors.New("after is not from a call with such a Filter"))
	parts := strings.Split(text, ".")
	switch {
	case len(text) > maxPlaceLen:
		return place{}, wrong
	case !users && len(parts) == 2 && parts[0] == "h" && parts[1] != "":
		return place{from: models.Position{Handle: parts[1]}}, nil
	case !users || len(parts) != 4 || parts[0] != "u":
		return place{}, wrong
	}
	user, err := base64.RawURLEncoding.DecodeString(parts[1])
	created, numErr := strconv.ParseInt(parts[2], 36, 64)
	if err != nil || numErr != nil || checkUserID(string(user)) != nil {
		return place{}, wrong
	}
	return place{string(user), models.Position{CreatedAt: created, Handle: parts[3]}}, nil
}

// maxPlaceLen is above any user id, time and handle.
const maxPlaceLen = 512
