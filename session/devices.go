package session

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Device is a session as a device list shows it.
type Device struct {
	Handle     string
	UserID     string
	CreatedAt  time.Time
	LastUsedAt time.Time // to about the validity of an access token
	ExpiresAt  time.Time // the idle end as of now
	UserAgent  string
	IP         string
	Label      string // what the user calls it, see SetLabel: text that pages escape
}

func deviceOf(row *models.Session) Device {
	return Device{
		Handle: row.Handle, UserID: row.UserID,
		CreatedAt: time.UnixMilli(row.CreatedAt), LastUsedAt: time.UnixMilli(row.LastUsedAt),
		ExpiresAt: time.UnixMilli(endOf(row)), UserAgent: row.UserAgent, IP: row.IP,
		Label: row.Label,
	}
}

// Get returns the live session named by handle, whoever's it is: compare UserID before
// you show it to somebody.
//
// Errors: [errors.ErrUnauthorised] with the reason [errors.ErrSessionNotFound] when no
// live session has this handle, [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) Get(ctx context.Context, handle string) (Device, error) {
	if err := s.checkOpen(); err != nil {
		return Device{}, err
	}
	row, err := s.live(ctx, handle)
	if errors.Is(err, errors.ErrUnauthorised) || err == nil && row.Flags.Has(models.FlagPending) {
		return Device{}, errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionNotFound)
	}
	if err != nil {
		return Device{}, err
	}
	return deviceOf(row), nil
}

// maxPage is how many sessions one statement reads or ends. It takes tens of
// milliseconds, of the two seconds that OperationTimeout gives by default.
const maxPage = 1000

// List returns all live sessions of a user, oldest first. It takes one statement for
// every 1000 sessions, each bounded by Config.OperationTimeout, and 0.3 KB of memory
// for each session; ctx bounds the whole. ListPage is for accounts that may have very
// many.
//
// Errors: [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) List(ctx context.Context, userID string) ([]Device, error) {
	if err := s.checkOpen(); err != nil {
		return nil, err
	}
	list := []Device{}
	err := s.eachPage(ctx, models.SessionsOfUser{UserID: userID, Now: s.now(), Limit: maxPage},
		func(rows []models.Session) bool {
			rows = counting(rows)
			for i := range rows {
				list = append(list, deviceOf(&rows[i]))
			}
			return true
		})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Page is a part of a user's live sessions.
type Page struct {
	Sessions []Device
	// After is what the next ListPage takes to go on; empty at the end.
	After string
}

// ListPage returns up to limit, 1 to 1000, of a user's live sessions, oldest first.
// after is empty for the first page, and then the After of the page before. It may
// come back from a client: it holds a time and a handle, and shows nobody else's
// sessions, whatever is put in. A page can be empty only at the end.
//
// It is one statement, and one more for every 1000 sessions that have ended and not
// been cleaned up yet.
//
// Errors: [errors.ErrInvalidInput] (limit or after), [errors.ErrUnavailable],
// [errors.ErrGeneral].
func (s *Service) ListPage(ctx context.Context, userID, after string, limit int) (Page, error) {
	if err := s.checkOpen(); err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > maxPage {
		return Page{}, invalidInput(fmt.Errorf("limit %d is not between 1 and %d", limit, maxPage))
	}
	from, err := parsePosition(after)
	if err != nil {
		return Page{}, err
	}
	var rows []models.Session
	page := Page{Sessions: []Device{}}
	err = s.eachPage(ctx, models.SessionsOfUser{UserID: userID, Now: s.now(), From: from, Limit: limit},
		func(more []models.Session) bool {
			rows = append(rows, counting(more)...)
			return len(rows) < limit
		})
	if err != nil {
		return Page{}, err
	}
	if len(rows) >= limit {
		rows = rows[:limit]
		page.After = formatPosition(rows[limit-1].Position())
	}
	for i := range rows {
		page.Sessions = append(page.Sessions, deviceOf(&rows[i]))
	}
	return page, nil
}

// counting are the rows that count as sessions of their own: what waits to take the
// place of another one does not.
func counting(rows []models.Session) []models.Session {
	return slices.DeleteFunc(rows, func(row models.Session) bool { return row.Flags.Has(models.FlagPending) })
}

// eachPage calls take with page after page until there is none or take wants no more.
func (s *Service) eachPage(ctx context.Context, q models.SessionsOfUser, take func([]models.Session) bool) error {
	for {
		statement, cancel := s.bounded(ctx)
		page, err := s.store.List(statement, q)
		cancel()
		if err != nil {
			return err
		}
		if !take(page.Sessions) || page.Next == nil {
			return nil
		}
		q.From, q.Limit = *page.Next, maxPage
	}
}

func formatPosition(p models.Position) string {
	return strconv.FormatInt(p.CreatedAt, 36) + "." + p.Handle
}

func parsePosition(text string) (models.Position, error) {
	if text == "" {
		return models.Position{}, nil
	}
	created, handle, ok := strings.Cut(text, ".")
	at, err := strconv.ParseInt(created, 36, 64)
	if !ok || err != nil || handle == "" || len(text) > maxPositionLen {
		return models.Position{}, invalidInput(errors.New("after is not from a page of ListPage"))
	}
	return models.Position{CreatedAt: at, Handle: handle}, nil
}

// maxPositionLen is above any handle and time.
const maxPositionLen = 96

// maxUserAgentLen is in bytes, as the column is in characters.
const maxUserAgentLen = 255

// boundedText is text as valid UTF-8 without control characters, cut to limit bytes at
// a character's edge: what a client sends ends up in databases and on pages.
func boundedText(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, text[:min(len(text), 4*limit)])
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// apply is the part of the address ip that the policy lets be stored; nothing of what
// is no address.
func (p IPPolicy) apply(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || p == IPNone {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if p == IPFull {
		return addr.String()
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, _ := addr.Prefix(bits)
	return prefix.Addr().String()
}
