package memstore

import (
	"context"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func (b *broken) SetLabel(ctx context.Context, w models.LabelWrite) (bool, error) {
	return b.setLabel(ctx, w)
}

func (b *broken) Walk(ctx context.Context, w models.Walk) (models.WalkPage, error) {
	return b.walk(ctx, w)
}

func (b *broken) RevokeMany(ctx context.Context, r models.RevocationOfMany) (int, error) {
	return b.revokeMany(ctx, r)
}

func labelMutants() []mutant {
	const (
		set     = "SetLabel names the session and changes nothing else"
		again   = "SetLabel reports true where the label is there already"
		ended   = "SetLabel refuses a session that is not live"
		foreign = "SetLabel refuses a session of somebody else, or of nobody"
	)
	labelling := func(label func(row *models.Session, w models.LabelWrite) bool) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.setLabel = func(ctx context.Context, w models.LabelWrite) (bool, error) {
				return s.update(ctx, w.Handle, func(row *models.Session) bool { return label(row, w) })
			}
		})
	}
	mine := func(row *models.Session, w models.LabelWrite) bool {
		return row.LiveAt(w.Now) && row.UserID == w.UserID
	}
	return []mutant{
		{"label is not written", set, labelling(mine)},
		{"label without blanks around", set, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !mine(row, w) {
				return false
			}
			row.Label = strings.TrimSpace(w.Label)
			return true
		})},
		{"label counted in bytes", set, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !mine(row, w) {
				return false
			}
			row.Label = w.Label[:min(len(w.Label), models.MaxLabel)]
			return true
		})},
		{"label counts as a use", set, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !mine(row, w) {
				return false
			}
			row.Label, row.LastUsedAt = w.Label, w.Now
			return true
		})},
		{"label that is there reports false", again, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !mine(row, w) || row.Label == w.Label {
				return false
			}
			row.Label = w.Label
			return true
		})},
		{"label of the dead", ended, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if row.UserID != w.UserID {
				return false
			}
			row.Label = w.Label
			return true
		})},
		{"label of the expired", ended, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if row.UserID != w.UserID || row.RevokedAt != 0 {
				return false
			}
			row.Label = w.Label
			return true
		})},
		{"label that is there reports true for the dead", ended, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !mine(row, w) {
				return row.UserID == w.UserID && row.Label == w.Label
			}
			row.Label = w.Label
			return true
		})},
		{"label of a foreign session", foreign, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !row.LiveAt(w.Now) {
				return false
			}
			row.Label = w.Label
			return true
		})},
		{"label for a user that is alike", foreign, labelling(func(row *models.Session, w models.LabelWrite) bool {
			if !row.LiveAt(w.Now) || !strings.EqualFold(row.UserID, strings.TrimSpace(w.UserID)) {
				return false
			}
			row.Label = w.Label
			return true
		})},
	}
}

func walkMutants() []mutant {
	const (
		secrets = "Walk shows no token hash, payload or data"
		live    = "Walk shows the live sessions of all users, by handle"
		limited = "Walk looks at no more than the limit"
		pages   = "Walk shows each session once, however few at a time"
	)
	walking := func(ask func(*models.Walk), answer func(*Store, models.Walk, *models.WalkPage)) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.walk = func(ctx context.Context, w models.Walk) (models.WalkPage, error) {
				asked := w
				ask(&asked)
				page, err := s.Walk(ctx, asked)
				answer(s, w, &page)
				return page, err
			}
		})
	}
	asIs := func(*Store, models.Walk, *models.WalkPage) {}
	answers := func(answer func(*Store, models.Walk, *models.WalkPage)) func() session.Store {
		return walking(func(*models.Walk) {}, answer)
	}
	return []mutant{
		{"walk with secrets", secrets, answers(func(s *Store, _ models.Walk, page *models.WalkPage) {
			for i, row := range page.Sessions {
				page.Sessions[i] = *s.sessions[row.Handle]
			}
		})},
		{"walk without labels", secrets, answers(func(_ *Store, _ models.Walk, page *models.WalkPage) {
			for i := range page.Sessions {
				page.Sessions[i].Label = ""
			}
		})},
		{"walk with the expired", live, walking(func(w *models.Walk) { w.Now = 0 }, asIs)},
		{"walk with the revoked", live, answers(func(s *Store, _ models.Walk, page *models.WalkPage) {
			for _, row := range s.sessions {
				if row.RevokedAt != 0 {
					page.Sessions = append(page.Sessions, shown(row))
				}
			}
		})},
		{"walk regardless of case", live, answers(func(_ *Store, _ models.Walk, page *models.WalkPage) {
			slices.SortFunc(page.Sessions, func(a, b models.Session) int {
				return strings.Compare(strings.ToLower(a.Handle), strings.ToLower(b.Handle))
			})
		})},
		{"walk without a limit", limited, walking(func(w *models.Walk) { w.Limit = 1 << 30 }, asIs)},
		{"walk counts live sessions only", limited, breaking(func(s *Store, b *broken) {
			b.walk = func(ctx context.Context, w models.Walk) (models.WalkPage, error) {
				limit := w.Limit
				w.Limit = 1 << 30
				page, err := s.Walk(ctx, w)
				if limit > 0 && len(page.Sessions) >= limit {
					page.Sessions = page.Sessions[:limit]
					page.Next = page.Sessions[limit-1].Handle
				}
				return page, err
			}
		})},
		{"walk repeats the last of a page", pages, answers(func(_ *Store, _ models.Walk, page *models.WalkPage) {
			if n := len(page.Sessions); page.Next != "" && n > 1 {
				page.Next = page.Sessions[n-2].Handle
			}
		})},
		{"walk drops one between pages", pages, walking(func(w *models.Walk) {
			if w.After != "" {
				w.After += "~"
			}
		}, func(_ *Store, w models.Walk, page *models.WalkPage) {
			if w.After != "" && len(page.Sessions) > 0 {
				page.Sessions = page.Sessions[1:]
			}
		})},
		{"walk ends at a page without live sessions", pages, answers(func(_ *Store, _ models.Walk, page *models.WalkPage) {
			if len(page.Sessions) == 0 {
				page.Next = ""
			}
		})},
	}
}

func revokeManyMutants() []mutant {
	const (
		live  = "RevokeMany ends and counts the live ones among the sessions"
		batch = "RevokeMany takes none, and a thousand"
		race  = "RevokeMany counts each session once among the racers"
	)
	revoking := func(end func(row *models.Session, r models.RevocationOfMany) bool) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.revokeMany = func(ctx context.Context, r models.RevocationOfMany) (count int, err error) {
				for _, handle := range r.Handles {
					ok, err := s.update(ctx, handle, func(row *models.Session) bool { return end(row, r) })
					if err != nil {
						return 0, err
					}
					if ok {
						count++
					}
				}
				return count, alive(ctx)
			}
		})
	}
	write := func(row *models.Session, r models.RevocationOfMany) {
		row.RevokedAt, row.RevokeReason = r.Now, r.Reason
	}
	return []mutant{
		{"many ended again", live, revoking(func(row *models.Session, r models.RevocationOfMany) bool {
			ended := row.LiveAt(r.Now)
			write(row, r)
			return ended
		})},
		{"many expired ones ended", live, revoking(func(row *models.Session, r models.RevocationOfMany) bool {
			if row.RevokedAt != 0 {
				return false
			}
			write(row, r)
			return true
		})},
		{"many dead ones counted", live, revoking(func(row *models.Session, r models.RevocationOfMany) bool {
			if row.LiveAt(r.Now) {
				write(row, r)
			}
			return true
		})},
		{"many revived", live, revoking(func(row *models.Session, r models.RevocationOfMany) bool {
			if row.LiveAt(r.Now) {
				write(row, r)
				return true
			}
			row.RevokedAt, row.RevokeReason = 0, ""
			return false
		})},
		{"many of a user", live, breaking(func(s *Store, b *broken) {
			b.revokeMany = func(ctx context.Context, r models.RevocationOfMany) (int, error) {
				count, err := s.RevokeMany(ctx, r)
				for _, handle := range r.Handles {
					if row, _ := s.Find(ctx, handle); row != nil {
						_, _ = s.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Reason: r.Reason, Now: r.Now})
					}
				}
				return count, err
			}
		})},
		{"many sorts the caller's list", live, breaking(func(s *Store, b *broken) {
			b.revokeMany = func(ctx context.Context, r models.RevocationOfMany) (int, error) {
				slices.Sort(r.Handles)
				return s.RevokeMany(ctx, r)
			}
		})},
		{"many are few", batch, breaking(func(s *Store, b *broken) {
			b.revokeMany = func(ctx context.Context, r models.RevocationOfMany) (int, error) {
				if len(r.Handles) > 500 {
					r.Handles = r.Handles[len(r.Handles)-500:]
				}
				return s.RevokeMany(ctx, r)
			}
		})},
		{"many are counted, then ended", race, breaking(func(s *Store, b *broken) {
			b.revokeMany = func(ctx context.Context, r models.RevocationOfMany) (count int, err error) {
				for _, handle := range r.Handles {
					if row, _ := s.Find(ctx, handle); row != nil && row.LiveAt(r.Now) {
						count++
					}
				}
				dawdle()
				_, err = s.RevokeMany(ctx, r)
				return count, err
			}
		})},
	}
}
