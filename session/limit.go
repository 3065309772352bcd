package session

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
	"github.com/gin-sessionkit/sessionkit/models"
)

// LimitConfig limits how many sessions a user may have. A sign-in then reads the user's
// sessions, before its INSERT and again after it, and ends what is too many.
//
// The session that the signing-in browser had does not count: it ends by the sign-in
// anyway. With an Evict… policy exactly N sessions are left, whatever number of
// sign-ins come at once on whatever servers. With RefuseNew there are never more than N
// once all of them have been answered; of several that come at once for the last place
// each may be refused.
//
// A sign-in whose session was stored is answered, also if the surplus could not be
// ended then: the log says so, and the user's next sign-in ends it. With RefuseNew,
// which ends nobody else's session, it fails with [errors.ErrUnavailable] instead, and
// its session is ended again. A limit that is introduced or lowered shows at a user's
// next sign-in.
type LimitConfig struct {
	// N is how many sessions of a user live at most: 1 to 1,000; 0, the default, is no
	// limit.
	N int
	// Policy says which sessions give way.
	Policy LimitPolicy
}

// LimitPolicy says who gives way where a user has more sessions than
// Config.MaxSessions allows.
type LimitPolicy uint8

const (
	// EvictOldest ends the sessions that were created first. The default.
	EvictOldest LimitPolicy = iota
	// EvictIdlest ends the sessions that have been used least recently, as far as the
	// rows know: a use is noted about once in the life of an access token.
	EvictIdlest
	// RefuseNew refuses the sign-in with an [errors.SessionLimitError], from which a
	// page can let the user choose. Nobody else's session is ended.
	RefuseNew
)

// maxLimit is above any sensible limit, and what one statement ends.
const maxLimit = 1000

func (c LimitConfig) refuses() bool { return c.N > 0 && c.Policy == RefuseNew }

func (c LimitConfig) validate(p *fieldProblems) {
	if c.N < 0 || c.N > maxLimit {
		p.add("MaxSessions.N", "%d is neither 0 (no limit) nor between 1 and %d", c.N, maxLimit)
	}
	switch {
	case c.Policy > RefuseNew:
		p.add("MaxSessions.Policy", "unknown policy %d", c.Policy)
	case c.N == 0 && c.Policy != EvictOldest:
		p.add("MaxSessions.Policy", "says nothing without N")
	}
}

// compare orders sessions by who gives way first. It is a total order, so that any
// two servers that see the same sessions end the same ones.
func (p LimitPolicy) compare(a, b *models.Session) int {
	created := cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Handle, b.Handle))
	switch p {
	case EvictIdlest:
		return cmp.Or(cmp.Compare(a.LastUsedAt, b.LastUsedAt), created)
	case RefuseNew:
		return -created
	default:
		return created
	}
}

// entry is a sign-in of a user whose sessions are limited. Where there is no limit it
// is the zero entry, and does nothing.
type entry struct {
	*Service
	limit  LimitConfig
	userID string
	// replaced are the sessions that this sign-in ends anyway.
	replaced []string
	// newcomer counts though it is pending: a visitor who signs in.
	newcomer string
	// created and used are the latest times of the sessions that were there before.
	created, used int64
}

// enter looks at the user's sessions before a new one is stored. One that would not be
// let in is refused at once: it would only be in the way of others.
func (s *Service) enter(ctx context.Context, userID string, replaced []string) (entry, error) {
	if s.cfg.MaxSessions.N == 0 {
		return entry{}, nil
	}
	if err := checkUserID(userID); err != nil {
		return entry{}, err
	}
	e := entry{Service: s, limit: s.cfg.MaxSessions, userID: userID, replaced: replaced}
	q := models.SessionsOfUser{UserID: userID, Now: s.now(), Limit: maxPage}
	if e.limit.Policy == EvictOldest {
		// What matters are those that seem to be newer than now, by the clock of
		// another server: usually there are none.
		q.From.CreatedAt = q.Now
	}
	var there []models.Session
	pages := 0
	err := s.eachPage(ctx, q, func(rows []models.Session) bool {
		for i := range rows {
			e.created, e.used = max(e.created, rows[i].CreatedAt), max(e.used, rows[i].LastUsedAt)
		}
		pages++
		if !e.limit.refuses() {
			return pages < maxPagesBefore
		}
		there = append(there, e.counted(rows, "")...)
		return len(there) < e.limit.N
	})
	if err == nil && len(there) >= e.limit.N && e.limit.refuses() {
		err = e.refusal(there)
	}
	return e, err
}

// maxPagesBefore bounds what is read before the INSERT. Only the times are wanted, and
// whoever has ten thousand sessions under a new limit must be able to sign in.
const maxPagesBefore = 10

// date moves a new row behind those that were there before: a server whose clock is
// behind would else end its own sign-in as the oldest. The ends of the session stay as
// they are.
func (e *entry) date(row *models.Session) {
	if e.limit.N > 0 {
		e.newcomer = row.Handle
		row.CreatedAt = max(row.CreatedAt, e.created+1)
		row.LastUsedAt = max(row.LastUsedAt, e.used+1)
	}
}

// settle holds the limit once row has been stored. The sign-in goes on when its client
// hangs up: the row is there.
func (e *entry) settle(ctx context.Context, row *models.Session) error {
	if e.limit.N == 0 {
		return nil
	}
	ctx, cancel := e.detached(ctx)
	defer cancel()
	if e.limit.refuses() {
		return e.contend(ctx, row)
	}
	if err := e.evict(ctx); err != nil {
		e.cfg.Logger.WarnContext(ctx, "sessionkit: a user has more sessions than Config.MaxSessions allows until the next sign-in, as they could not be ended",
			"error", err)
	}
	return nil
}

// evict ends what is too many. All pages are read before it is known which sessions
// stay, but those that must go are known earlier: where N others come behind a session,
// nothing on a later page changes that. So the memory is bounded, and what does not
// get done in time is less the next time.
func (e *entry) evict(ctx context.Context) (err error) {
	q := models.SessionsOfUser{UserID: e.userID, Now: e.now(), Limit: maxPage}
	var stay []models.Session
	listErr := e.eachPage(ctx, q, func(rows []models.Session) bool {
		stay = append(stay, e.counted(rows, "")...)
		if surplus := len(stay) - e.limit.N; surplus > 0 {
			slices.SortFunc(stay, func(a, b models.Session) int { return e.limit.Policy.compare(&a, &b) })
			err = e.evictAll(ctx, stay[:surplus])
			stay = slices.Delete(stay, 0, surplus)
		}
		return err == nil
	})
	if err == nil {
		err = listErr
	}
	return err
}

// fewHints is how many hints are written for one sign-in: beyond that one about the
// user takes their place.
const fewHints = 4

// evictAll ends up to maxPage sessions.
func (e *entry) evictAll(ctx context.Context, rows []models.Session) error {
	r := models.RevocationOfMany{Handles: handlesOfRows(rows), Reason: models.RevokedByLimit, Now: e.now()}
	var hints []models.Hint
	for i := range rows {
		hints = append(hints, models.Hint{Kind: models.HintSession, Subject: rows[i].Handle, Owner: e.userID})
	}
	if len(hints) > fewHints {
		hints = []models.Hint{{Kind: models.HintUser, Subject: e.userID}}
	}
	if err := e.hint(ctx, hints...); err != nil {
		e.cfg.Logger.WarnContext(ctx, "sessionkit: other processes were not told of sessions that Config.MaxSessions ends", "error", err)
	}
	ended, err := e.store.RevokeMany(ctx, r)
	if ended > 0 {
		event := Event{Kind: EventRevoked, UserID: e.userID, Reason: r.Reason, Count: ended}
		if len(rows) == 1 {
			event.Handle = rows[0].Handle
		}
		e.emit(ctx, event)
	}
	return err
}

// contend keeps row if there is a place for it, and ends it otherwise.
//
// A row may stay only after a look, from after its INSERT, at no more than N sessions.
// Of those that stay, the one that was stored last has seen all others, so there are
// never more. Where several came at once, those that are behind in the common order
// give way at once, and the others wait a little for that.
func (e *entry) contend(ctx context.Context, row *models.Session) error {
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		others, err := e.others(ctx, row)
		if err != nil {
			e.withdraw(ctx, row)
			return err
		}
		if len(others) < e.limit.N {
			return nil
		}
		ahead := 0
		for i := range others {
			if e.limit.Policy.compare(row, &others[i]) < 0 {
				ahead++
			}
		}
		if ahead >= e.limit.N || pause > maxContention || !wait.Sleep(ctx, pause) {
			e.withdraw(ctx, row)
			return e.refusal(others)
		}
	}
}

// maxContention is the longest pause in which others may give way: five in all, of a
// third of a second together. It takes them one UPDATE.
const maxContention = 160 * time.Millisecond

// others are sessions beside row: all of them, or more than N.
func (e *entry) others(ctx context.Context, row *models.Session) (found []models.Session, err error) {
	q := models.SessionsOfUser{UserID: e.userID, Now: e.now(), Limit: maxPage}
	err = e.eachPage(ctx, q, func(rows []models.Session) bool {
		found = append(found, e.counted(rows, row.Handle)...)
		return len(found) <= e.limit.N
	})
	return found, err
}

// withdraw ends the row of a sign-in that failed, whose tokens nobody has. If that
// fails too, the row takes a place until its idle end.
func (e *entry) withdraw(ctx context.Context, row *models.Session) {
	if e.limit.N == 0 {
		return
	}
	ctx, cancel := e.detached(ctx)
	defer cancel()
	_, err := e.revokeSurely(ctx, models.Revocation{
		Handle: row.Handle, UserID: row.UserID, Current: row.Lineage.Current, Reason: models.RevokedByLimit, Now: e.now(),
	})
	if err != nil {
		e.cfg.Logger.WarnContext(ctx, "sessionkit: the session of a sign-in that failed may take one of the places of Config.MaxSessions",
			"session", shortHash(row.Handle), "error", err)
	}
}

// counted are the rows that count against the limit, but for the one named. What waits
// to take the place of another one counts only where that is a visitor's.
func (e *entry) counted(rows []models.Session, except string) []models.Session {
	return slices.DeleteFunc(slices.Clone(rows), func(row models.Session) bool {
		switch {
		case row.Handle == except || slices.Contains(e.replaced, row.Handle):
			return true
		case !row.Flags.Has(models.FlagPending) || row.Handle == e.newcomer:
			return false
		default:
			// A sign-in whose answer was lost gives way to the next attempt.
			return !row.Flags.Has(models.FlagSignIn) || slices.Contains(e.replaced, row.Origin)
		}
	})
}

func (e *entry) refusal(rows []models.Session) error {
	limit := &errors.SessionLimitError{Limit: e.limit.N}
	for _, row := range rows {
		limit.Sessions = append(limit.Sessions, errors.OpenSession{
			Handle: row.Handle, CreatedAt: time.UnixMilli(row.CreatedAt), LastUsedAt: time.UnixMilli(row.LastUsedAt),
			UserAgent: row.UserAgent, IP: row.IP, Label: row.Label,
		})
	}
	return limit
}

func handlesOfRows(rows []models.Session) []string {
	handles := make([]string, len(rows))
	for i := range rows {
		handles[i] = rows[i].Handle
	}
	return handles
}
