package memstore

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func revokeMutants() []mutant {
	revoking := func(match func(*models.Session, models.Revocation) bool) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				return s.update(ctx, r.Handle, func(row *models.Session) bool {
					if r.UserID != "" && row.UserID != r.UserID || !match(row, r) {
						return false
					}
					row.RevokedAt, row.RevokeReason = r.Now, r.Reason
					return true
				})
			}
		})
	}
	return []mutant{
		{
			"revoke twice", "Revoke does not end a session again",
			revoking(isCurrent),
		},
		{
			"revoke of live sessions only", "Revoke of an expired session counts",
			revoking(func(row *models.Session, r models.Revocation) bool { return row.LiveAt(r.Now) && isCurrent(row, r) }),
		},
		{
			"revoke whatever is current", "Revoke ends a session only while the token given is current",
			revoking(func(row *models.Session, _ models.Revocation) bool { return row.RevokedAt == 0 }),
		},
		{
			"revoke with the previous token too", "Revoke ends a session only while the token given is current",
			revoking(func(row *models.Session, r models.Revocation) bool {
				return row.RevokedAt == 0 && (isCurrent(row, r) || row.Lineage.Previous.Equal(r.Current))
			}),
		},
		{
			"revoke forgets the successor", "Revoke notes the successor as the origin",
			breaking(func(s *Store, b *broken) {
				b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
					r.Successor = ""
					return s.Revoke(ctx, r)
				}
			}),
		},
		{
			"revoke without a successor drops the origin", "Revoke leaves a tombstone and nothing else changes",
			breaking(func(s *Store, b *broken) {
				b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
					ended, err := s.Revoke(ctx, r)
					if ended && r.Successor == "" {
						_, err = s.update(ctx, r.Handle, func(row *models.Session) bool { row.Origin = ""; return true })
					}
					return ended, err
				}
			}),
		},
		{
			"the last successor wins", "Revoke notes the successor as the origin",
			breaking(func(s *Store, b *broken) {
				b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
					ended, err := s.Revoke(ctx, r)
					if !ended && r.Successor != "" {
						_, err = s.update(ctx, r.Handle, func(row *models.Session) bool { row.Origin = r.Successor; return true })
					}
					return ended, err
				}
			}),
		},
		{
			"revoke whoever's it is", "Revoke ends a session only for the user given",
			breaking(func(s *Store, b *broken) {
				b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
					r.UserID = ""
					return s.Revoke(ctx, r)
				}
			}),
		},
		{
			"revoke for a user that is alike", "Revoke ends a session only for the user given",
			breaking(func(s *Store, b *broken) {
				b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
					if row, _ := s.Find(ctx, r.Handle); row != nil && strings.EqualFold(strings.TrimSpace(r.UserID), row.UserID) {
						r.UserID = row.UserID
					}
					return s.Revoke(ctx, r)
				}
			}),
		},
		{
			"revoke asks for the user, then writes", "Revoke ends a session only for the user given",
			breaking(func(s *Store, b *broken) {
				b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
					row, err := s.Find(ctx, r.Handle)
					if err != nil || row == nil || r.UserID != "" && row.UserID != r.UserID {
						return err == nil && row != nil, err // tells the two apart
					}
					return s.Revoke(ctx, r)
				}
			}),
		},
		{"revoke of anything", "Revoke of an absent session reports false", breaking(func(s *Store, b *broken) {
			b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				if row, err := s.Find(ctx, r.Handle); row == nil {
					return true, err
				}
				return s.Revoke(ctx, r)
			}
		})},
		{"revoke deletes", "Revoke leaves a tombstone and nothing else changes", breaking(func(s *Store, b *broken) {
			b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				_, ok := s.sessions[r.Handle]
				delete(s.sessions, r.Handle)
				return ok, alive(ctx)
			}
		})},
		{"revoke hits the whole user", "Revoke leaves a tombstone and nothing else changes", breaking(func(s *Store, b *broken) {
			b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				ok, err := s.Revoke(ctx, r)
				if row, _ := s.Find(ctx, r.Handle); row != nil {
					_, _ = s.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Reason: r.Reason, Now: r.Now})
				}
				return ok, err
			}
		})},
		{"revoke does nothing", "Advance refuses a session revoked by Revoke", breaking(func(s *Store, b *broken) {
			b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				row, err := s.Find(ctx, r.Handle)
				return row != nil, err
			}
		})},
		{"revoke reads, then writes", "Revoke reports true to exactly one of the racers", breaking(func(s *Store, b *broken) {
			b.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				row, err := s.Find(ctx, r.Handle)
				if err != nil || row == nil || row.RevokedAt != 0 {
					return false, err
				}
				dawdle()
				return s.update(ctx, r.Handle, func(row *models.Session) bool {
					row.RevokedAt, row.RevokeReason = r.Now, r.Reason
					return true
				})
			}
		})},
	}
}

func isCurrent(row *models.Session, r models.Revocation) bool {
	return r.Current.IsZero() || row.Lineage.Current.Equal(r.Current)
}

// sessionsOf is List without pages.
func (s *Store) sessionsOf(ctx context.Context, q models.SessionsOfUser) []models.Session {
	q.Limit = math.MaxInt
	page, _ := s.List(ctx, q)

	return page.Sessions
}

func revokeAllMutants() []mutant {
	type revokeAll = func(context.Context, models.RevocationOfUser) (models.RevokedOfUser, error)
	with := func(change func(*Store) revokeAll) func() session.Store {
		return breaking(func(s *Store, b *broken) { b.revokeAll = change(s) })
	}
	live := func(ctx context.Context, s *Store, r models.RevocationOfUser) []models.Session {
		list := s.sessionsOf(ctx, models.SessionsOfUser{UserID: r.UserID, Now: r.Now})
		return slices.DeleteFunc(list, func(row models.Session) bool { return r.Except != "" && row.Handle == r.Except })
	}
	return slices.Concat([]mutant{
		{"revoke all ignores the exception", "RevokeAll spares the session named", with(func(s *Store) revokeAll {
			return func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				r.Except = ""
				return s.RevokeAll(ctx, r)
			}
		})},
		{
			"revoke all spares a handle that is alike", "RevokeAll spares nobody when the exception does not fit exactly",
			with(func(s *Store) revokeAll {
				return func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
					for _, row := range live(ctx, s, models.RevocationOfUser{UserID: r.UserID, Now: r.Now}) {
						if strings.EqualFold(strings.TrimSpace(r.Except), row.Handle) {
							r.Except = row.Handle
						}
					}
					return s.RevokeAll(ctx, r)
				}
			}),
		},
		{"revoke all counts the dead", "RevokeAll counts and marks live sessions only", with(func(s *Store) revokeAll {
			return func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				r.Now -= hour
				return s.RevokeAll(ctx, r)
			}
		})},
		{"revoke all only counts", "Advance refuses a session revoked by RevokeAll", with(func(s *Store) revokeAll {
			return func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				return models.RevokedOfUser{Count: len(live(ctx, s, r))}, alive(ctx)
			}
		})},
		{"revoke all lists, then revokes", "RevokeAll counts each session once among the racers", with(func(s *Store) revokeAll {
			return func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				list := live(ctx, s, r)
				for _, row := range list {
					dawdle()
					_, _ = s.Revoke(ctx, models.Revocation{Handle: row.Handle, Reason: r.Reason, Now: r.Now})
				}
				return models.RevokedOfUser{Count: len(list)}, alive(ctx)
			}
		})},
		{"revoke all stops at one", "RevokeAll racing inserts ends all that were there before", with(func(s *Store) revokeAll {
			return func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				for _, row := range live(ctx, s, r) {
					_, _ = s.Revoke(ctx, models.Revocation{Handle: row.Handle, Reason: r.Reason, Now: r.Now})
					return models.RevokedOfUser{Count: 1}, alive(ctx)
				}
				return models.RevokedOfUser{}, alive(ctx)
			}
		})},
	}, revokePageMutants())
}

// revokePageMutants go wrong where one call leaves off and the next goes on.
func revokePageMutants() []mutant {
	const (
		bounded  = "RevokeAll looks at no more than the limit"
		complete = "RevokeAll reaches every session, however few at a time"
		ends     = "RevokeAll comes to an end while others sign in"
	)
	with := func(change func(context.Context, *Store, *models.RevocationOfUser) func(*models.RevokedOfUser)) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				after := change(ctx, s, &r)
				done, err := s.RevokeAll(ctx, r)
				after(&done)
				return done, err
			}
		})
	}
	return []mutant{
		{"revoke all without a limit", bounded, with(
			func(_ context.Context, _ *Store, r *models.RevocationOfUser) func(*models.RevokedOfUser) {
				r.Limit = 1 << 30
				return func(*models.RevokedOfUser) {}
			})},
		{"revoke all says too early that it is done", complete, with(
			func(_ context.Context, _ *Store, r *models.RevocationOfUser) func(*models.RevokedOfUser) {
				return func(done *models.RevokedOfUser) {
					if done.Count < r.Limit { // some of the page had ended already
						done.Next = nil
					}
				}
			})},
		{"revoke all skips one millisecond", complete, with(
			func(_ context.Context, _ *Store, r *models.RevocationOfUser) func(*models.RevokedOfUser) {
				r.From.Handle = ""
				return func(*models.RevokedOfUser) {}
			})},
		{"revoke all begins with the oldest", ends, breaking(func(s *Store, b *broken) {
			b.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
				page, err := s.List(ctx, models.SessionsOfUser{UserID: r.UserID, Now: r.Now, From: r.From, Limit: r.Limit})
				done := models.RevokedOfUser{Next: page.Next}
				for _, row := range page.Sessions {
					if ok, _ := s.Revoke(ctx, models.Revocation{Handle: row.Handle, Reason: r.Reason, Now: r.Now}); ok {
						done.Count++
					}
				}
				return done, err
			}
		})},
	}
}

// usersLike opens a store that finds users by folded ids.
func usersLike(fold func(string) string) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		alike := func(user string) []string {
			s.mu.Lock()
			defer s.mu.Unlock()
			var ids []string
			for _, row := range s.sessions {
				if fold(row.UserID) == fold(user) && !slices.Contains(ids, row.UserID) {
					ids = append(ids, row.UserID)
				}
			}
			return ids
		}
		b.list = func(ctx context.Context, q models.SessionsOfUser) (all models.SessionPage, err error) {
			for _, id := range alike(q.UserID) {
				more := s.sessionsOf(ctx, models.SessionsOfUser{UserID: id, Now: q.Now})
				all.Sessions = append(all.Sessions, more...)
			}
			return all, alive(ctx)
		}
		b.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (all models.RevokedOfUser, err error) {
			for _, id := range alike(r.UserID) {
				r.UserID, r.Limit = id, math.MaxInt
				done, _ := s.RevokeAll(ctx, r)
				all.Count += done.Count
			}
			return all, alive(ctx)
		}
	})
}

func userMutants() []mutant {
	const apart = "user ids are compared byte for byte"
	return []mutant{
		{"user ids regardless of case", apart, usersLike(strings.ToLower)},
		{"user ids padded", apart, usersLike(func(id string) string { return strings.TrimRight(id, " ") })},
		{"user ids trimmed", apart, usersLike(strings.TrimSpace)},
		{"user ids without accents", apart, usersLike(strings.NewReplacer("e\u0301", "\u00e9").Replace)},
		{"user ids with sharp s", apart, usersLike(strings.NewReplacer("\u00df", "ss").Replace)},
		{
			"user ids with three bytes per character", apart,
			usersLike(strings.NewReplacer("\U0001f600", "?", "\U0001f601", "?").Replace),
		},
		{"user ids as numbers", apart, usersLike(func(id string) string {
			if number, err := strconv.ParseFloat(id, 64); err == nil {
				return strconv.FormatFloat(number, 'g', -1, 64)
			}
			return id
		})},
		{"user ids cut at 127 bytes", apart, usersLike(func(id string) string { return id[:min(len(id), 127)] })},
		{"user ids cut at 128 bytes", apart, usersLike(func(id string) string { return id[:min(len(id), 128)] })},
		{"user ids cut at 254 bytes", apart, usersLike(func(id string) string { return id[:min(len(id), 254)] })},
		{"user ids cut at NUL", "user ids with a NUL byte are kept exactly or refused", usersLike(cutNUL)},
		{"user ids changed in store", apart, inserting(func(r *models.Session) { r.UserID = strings.TrimSpace(r.UserID) })},
	}
}

func listMutants() []mutant {
	listing := func(change func(s *Store, list []models.Session, user string) []models.Session) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.list = func(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
				page, err := s.List(ctx, q)
				page.Sessions = change(s, page.Sessions, q.UserID)
				return page, err
			}
		})
	}
	showing := func(show func(shown *models.Session, row models.Session)) func() session.Store {
		return listing(func(s *Store, list []models.Session, _ string) []models.Session {
			s.mu.Lock()
			defer s.mu.Unlock()
			for i := range list {
				show(&list[i], *s.sessions[list[i].Handle])
			}
			return list
		})
	}
	const secrets = "List shows no token hash, payload or data"
	return []mutant{
		{"list with current hash", secrets, showing(func(shown *models.Session, row models.Session) {
			shown.Lineage.Current = row.Lineage.Current
		})},
		{"list with previous hash", secrets, showing(func(shown *models.Session, row models.Session) {
			shown.Lineage.Previous = row.Lineage.Previous
		})},
		{"list with payload", secrets, showing(func(shown *models.Session, row models.Session) { shown.Payload = row.Payload })},
		{"list with data", secrets, showing(func(shown *models.Session, row models.Session) { shown.Data = row.Data })},
		{"list without device", secrets, showing(func(shown *models.Session, _ models.Session) { shown.UserAgent = "" })},
		{
			"list with the dead", "List shows live sessions of the user only",
			listing(func(s *Store, _ []models.Session, user string) []models.Session {
				// Nobody has expired in 1970.
				return s.sessionsOf(context.Background(), models.SessionsOfUser{UserID: user})
			}),
		},
		{
			"list from the newest", "List begins with the oldest session",
			listing(func(_ *Store, list []models.Session, _ string) []models.Session {
				slices.Reverse(list)
				return list
			}),
		},
		{
			"list by handle", "List begins with the oldest session",
			listing(func(_ *Store, list []models.Session, _ string) []models.Session {
				slices.SortFunc(list, func(a, b models.Session) int { return strings.Compare(a.Handle, b.Handle) })
				return list
			}),
		},
		{"list fails for unknown users", "List of an unknown user is empty", breaking(func(s *Store, b *broken) {
			b.list = func(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
				page, err := s.List(ctx, q)
				if err == nil && len(page.Sessions) == 0 {
					err = errors.WithReason(errors.ErrGeneral, errors.ErrSessionNotFound)
				}
				return page, err
			}
		})},
		{"list without a limit", "List looks at no more than the limit", breaking(func(s *Store, b *broken) {
			b.list = func(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
				q.Limit = 1 << 30
				return s.List(ctx, q)
			}
		})},
		{"list skips one millisecond", "List shows each session once, however few at a time", breaking(func(s *Store, b *broken) {
			b.list = func(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
				if q.From != (models.Position{}) {
					q.From.Handle = "\xff"
				}
				return s.List(ctx, q)
			}
		})},
		{"list ends at a page without live sessions", "List shows each session once, however few at a time", breaking(func(s *Store, b *broken) {
			b.list = func(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
				page, err := s.List(ctx, q)
				if len(page.Sessions) == 0 {
					page.Next = nil
				}
				return page, err
			}
		})},
	}
}

func contextMutants() []mutant {
	const cancelled = "no method works for a context that was cancelled"
	return []mutant{
		{"find ignores its context", cancelled, breaking(func(s *Store, b *broken) {
			b.find = func(ctx context.Context, handle string) (*models.Session, error) {
				return s.Find(context.WithoutCancel(ctx), handle)
			}
		})},
		{
			"revoke all ignores its context", "no method works for a context whose deadline has passed",
			breaking(func(s *Store, b *broken) {
				b.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
					return s.RevokeAll(context.WithoutCancel(ctx), r)
				}
			}),
		},
		{"the bare error of a context", cancelled, breaking(func(s *Store, b *broken) {
			b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (int, error) {
				if ctx.Err() != nil {
					return 0, ctx.Err()
				}
				return s.DeleteEnded(ctx, e)
			}
		})},
	}
}
