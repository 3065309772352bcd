package memstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// inserting opens a store that changes each row on its way in.
func inserting(change func(*models.Session)) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.insert = func(ctx context.Context, row *models.Session) error {
			changed := *row
			change(&changed)
			return s.Insert(ctx, &changed)
		}
	})
}

func rowMutants() []mutant {
	return []mutant{
		{"insert overwrites", "Insert refuses another row with the same handle", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				s.mu.Lock()
				delete(s.sessions, row.Handle)
				s.mu.Unlock()
				return s.Insert(ctx, row)
			}
		})},
		{"insert ignores any duplicate", "Insert refuses another row with the same handle", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if err := s.Insert(ctx, row); !errors.Is(err, errors.ErrDuplicate) {
					return err
				}
				return nil
			}
		})},
		{"insert revives the dead", "Insert does not bring a revoked session back", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				_, _ = s.update(ctx, row.Handle, func(r *models.Session) bool {
					r.RevokedAt, r.RevokeReason = row.RevokedAt, row.RevokeReason
					return true
				})
				return s.Insert(ctx, row)
			}
		})},
		{"insert reports no class", "Insert refuses another row with the same handle", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if err := s.Insert(ctx, row); err != nil {
					return errors.ErrDuplicate
				}
				return nil
			}
		})},
		{"insert prints the statement", "Insert tells no secret when it fails", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if err := s.Insert(ctx, row); err != nil {
					return errors.WithReason(err, fmt.Errorf("INSERT … VALUES (%s)", row.Payload))
				}
				return nil
			}
		})},
		{"insert prints the hash", "Insert tells no secret when it fails", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if err := s.Insert(ctx, row); err != nil {
					return errors.WithReason(err, fmt.Errorf("hash %x", row.Lineage.Current[:]))
				}
				return nil
			}
		})},
		{"insert looks before it leaps", "Insert lets one of the racers with the same handle in", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if found, err := s.Find(ctx, row.Handle); err != nil || found != nil {
					return s.Insert(ctx, row)
				}
				dawdle()
				s.mu.Lock()
				delete(s.sessions, row.Handle)
				s.mu.Unlock()
				return s.Insert(ctx, row)
			}
		})},
		{"insert refuses the very same row", "Insert takes the very same row again", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if found, err := s.Find(ctx, row.Handle); err == nil && found != nil {
					return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
				}
				return s.Insert(ctx, row)
			}
		})},
		{
			"device cut", "Insert keeps every field exactly",
			inserting(func(r *models.Session) { r.UserAgent = r.UserAgent[:min(len(r.UserAgent), 8)] }),
		},
		{
			"flags of later versions dropped", "Insert keeps every field exactly",
			inserting(func(r *models.Session) { r.Flags &= 1<<3 - 1 }),
		},
		{
			"amr cut", "Insert keeps every field exactly",
			inserting(func(r *models.Session) { r.AMR = r.AMR[:min(len(r.AMR), 32)] }),
		},
		{
			"origin must be a handle", "Insert keeps every field exactly",
			inserting(func(r *models.Session) { r.Origin = strings.ToValidUTF8(r.Origin, "") }),
		},
		{
			"level of a few", "Insert keeps every field exactly",
			inserting(func(r *models.Session) { r.Level = min(r.Level, 3) }),
		},
		{
			"another level is the same row", "Insert refuses another row with the same handle",
			breaking(func(s *Store, b *broken) {
				b.insert = func(ctx context.Context, row *models.Session) error {
					if found, err := s.Find(ctx, row.Handle); err == nil && found != nil {
						same := *row
						same.Level, same.Origin, same.Flags = found.Level, found.Origin, found.Flags
						return s.Insert(ctx, &same)
					}
					return s.Insert(ctx, row)
				}
			}),
		},
		{"insert keeps the caller's slices", "Insert and Find copy deeply", breaking(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				err := s.Insert(ctx, row)
				_, _ = s.update(ctx, row.Handle, func(r *models.Session) bool {
					r.Payload = row.Payload
					return true
				})
				return err
			}
		})},
		{"find returns the stored row itself", "Insert and Find copy deeply", breaking(func(s *Store, b *broken) {
			b.find = func(_ context.Context, handle string) (*models.Session, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.sessions[handle], nil
			}
		})},
		{"find hides the dead", "Find returns dead rows as well", breaking(func(s *Store, b *broken) {
			b.find = func(ctx context.Context, handle string) (*models.Session, error) {
				row, err := s.Find(ctx, handle)
				if row == nil || !row.LiveAt(during) {
					return nil, err
				}
				return row, nil
			}
		})},
		{"find fails for absent rows", "Find returns nil for an absent row", breaking(func(s *Store, b *broken) {
			b.find = func(ctx context.Context, handle string) (*models.Session, error) {
				row, err := s.Find(ctx, handle)
				if err == nil && row == nil {
					err = errors.WithReason(errors.ErrGeneral, errors.ErrSessionNotFound)
				}
				return row, err
			}
		})},
		{"handles regardless of case", "handles that differ in case are different sessions", handlesLike(strings.ToLower)},
		{
			"handles padded", "handles that nearly fit find nothing",
			handlesLike(func(h string) string { return strings.TrimRight(h, " ") }),
		},
		{"handles cut at NUL", "handles that no database can hold find nothing", handlesLike(cutNUL)},
		{"check fails", "Check is content with a good store and changes nothing", breaking(func(_ *Store, b *broken) {
			b.check = func(context.Context) error { return errors.WithReason(errors.ErrGeneral, errors.ErrSchema) }
		})},
	}
}

// handlesLike opens a store that stores and looks for folded handles.
func handlesLike(fold func(string) string) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.find = func(ctx context.Context, handle string) (*models.Session, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for stored, row := range s.sessions {
				if fold(stored) == fold(handle) {
					return cloneSession(row), alive(ctx)
				}
			}
			return nil, alive(ctx)
		}
		b.insert = func(ctx context.Context, row *models.Session) error {
			if found, err := b.find(ctx, row.Handle); err == nil && found != nil && found.Handle != row.Handle {
				return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
			}
			return s.Insert(ctx, row)
		}
	})
}

func cutNUL(text string) string {
	before, _, _ := strings.Cut(text, "\x00")
	return before
}

func extendMutants() []mutant {
	extending := func(match func(*models.Session, models.Extend) bool) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.extend = func(ctx context.Context, ext models.Extend) (bool, error) {
				return s.update(ctx, ext.Handle, func(row *models.Session) bool {
					if match(row, ext) {
						row.ExpiresAt = ext.ExpiresAt
						return true
					}
					return false
				})
			}
		})
	}
	fits := func(row *models.Session, ext models.Extend) bool { return row.Lineage.Current == ext.Current }
	later := func(row *models.Session, ext models.Extend) bool { return row.ExpiresAt < ext.ExpiresAt }

	return []mutant{
		{
			"extend for any token", "Extend refuses a token that is not current",
			extending(func(row *models.Session, ext models.Extend) bool { return row.LiveAt(ext.Now) && later(row, ext) }),
		},
		{
			"extend of the dead", "Extend refuses a revoked session",
			extending(func(row *models.Session, ext models.Extend) bool { return fits(row, ext) && later(row, ext) }),
		},
		{
			"extend counts no change", "Extend refuses an idle end that is as late already",
			extending(func(row *models.Session, ext models.Extend) bool {
				return row.LiveAt(ext.Now) && fits(row, ext) && row.ExpiresAt <= ext.ExpiresAt
			}),
		},
		{
			"extend moves back", "Extend refuses an idle end that is later already",
			extending(func(row *models.Session, ext models.Extend) bool { return row.LiveAt(ext.Now) && fits(row, ext) }),
		},
		{"extend of absent rows", "Extend refuses an unknown handle", breaking(func(s *Store, b *broken) {
			b.extend = func(ctx context.Context, ext models.Extend) (bool, error) {
				row, err := s.Find(ctx, ext.Handle)
				if row == nil {
					return true, err
				}
				return s.Extend(ctx, ext)
			}
		})},
		{"extend does nothing", "Extend moves the idle end and nothing else", breaking(func(s *Store, b *broken) {
			b.extend = func(ctx context.Context, ext models.Extend) (bool, error) {
				row, err := s.Find(ctx, ext.Handle)
				return row != nil && row.LiveAt(ext.Now) && fits(row, ext) && later(row, ext), err
			}
		})},
		{"extend reads, compares, writes", "Extend lets one of the racers for the same end win", breaking(func(s *Store, b *broken) {
			b.extend = func(ctx context.Context, ext models.Extend) (bool, error) {
				row, err := s.Find(ctx, ext.Handle)
				if err != nil || row == nil || !row.LiveAt(ext.Now) || !fits(row, ext) || !later(row, ext) {
					return false, err
				}
				dawdle()
				return s.update(ctx, ext.Handle, func(row *models.Session) bool {
					row.ExpiresAt = ext.ExpiresAt
					return true
				})
			}
		})},
	}
}

// writingAs opens a store that changes data, payloads and what they are
// compared with.
func writingAs(change func([]byte) []byte) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.insert = func(ctx context.Context, row *models.Session) error {
			changed := *row
			changed.Payload, changed.Data = change(row.Payload), change(row.Data)
			return s.Insert(ctx, &changed)
		}
		b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
			w.Data = change(w.Data)
			return s.WriteData(ctx, w)
		}
		b.writePayload = func(ctx context.Context, w models.PayloadWrite) (bool, error) {
			w.Old, w.New = change(w.Old), change(w.New)
			return s.WritePayload(ctx, w)
		}
	})
}

func valueMutants() []mutant {
	return append(textMutants(),
		mutant{"identical data is no write", "WriteData of the same data counts as a write", breaking(func(s *Store, b *broken) {
			b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
				row, err := s.Find(ctx, w.Handle)
				if err != nil || row == nil || bytes.Equal(row.Data, w.Data) {
					return false, err
				}
				return s.WriteData(ctx, w)
			}
		})},
		mutant{"data of any version", "WriteData refuses another version", breaking(func(s *Store, b *broken) {
			b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
				w.IfVersion = nil
				return s.WriteData(ctx, w)
			}
		})},
		mutant{"data version 0 is none", "WriteData refuses another version", breaking(func(s *Store, b *broken) {
			b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
				if w.IfVersion != nil && *w.IfVersion == 0 {
					w.IfVersion = nil
				}
				return s.WriteData(ctx, w)
			}
		})},
		mutant{"data of the dead", "WriteData writes to live sessions only", breaking(func(s *Store, b *broken) {
			b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
				return s.update(ctx, w.Handle, func(row *models.Session) bool {
					if w.IfVersion != nil && *w.IfVersion != row.DataVersion {
						return false
					}
					row.Data, row.DataVersion = w.Data, row.DataVersion+1
					return true
				})
			}
		})},
		mutant{"data version read before", "WriteData loses no update among racers", breaking(func(s *Store, b *broken) {
			b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
				row, err := s.Find(ctx, w.Handle)
				if err != nil || row == nil || w.IfVersion != nil && *w.IfVersion != row.DataVersion {
					return false, err
				}
				dawdle()
				w.IfVersion = nil
				return s.WriteData(ctx, w)
			}
		})},
		mutant{"data write is a use", "WriteData leaves the session beside the data alone", breaking(func(s *Store, b *broken) {
			b.writeData = func(ctx context.Context, w models.DataWrite) (bool, error) {
				_, _ = s.update(ctx, w.Handle, func(row *models.Session) bool {
					row.ExpiresAt += minute
					return true
				})
				return s.WriteData(ctx, w)
			}
		})},
		mutant{"payload of the dead", "WritePayload writes to live sessions only", breaking(func(s *Store, b *broken) {
			b.writePayload = func(ctx context.Context, w models.PayloadWrite) (bool, error) {
				return s.update(ctx, w.Handle, func(row *models.Session) bool {
					if !sameText(row.Payload, w.Old) {
						return false
					}
					row.Payload = w.New
					return true
				})
			}
		})},
		mutant{"payload read before", "WritePayload lets one of the racers win", breaking(func(s *Store, b *broken) {
			b.writePayload = func(ctx context.Context, w models.PayloadWrite) (bool, error) {
				row, err := s.Find(ctx, w.Handle)
				if err != nil || row == nil || !row.LiveAt(w.Now) || !sameText(row.Payload, w.Old) {
					return false, err
				}
				dawdle()
				return s.update(ctx, w.Handle, func(row *models.Session) bool {
					row.Payload = w.New
					return true
				})
			}
		})},
		mutant{"payload write touches data", "WritePayload leaves the session beside the payload alone", breaking(func(s *Store, b *broken) {
			b.writePayload = func(ctx context.Context, w models.PayloadWrite) (bool, error) {
				_, _ = s.update(ctx, w.Handle, func(row *models.Session) bool {
					row.DataVersion++
					return true
				})
				return s.WritePayload(ctx, w)
			}
		})},
	)
}

func textMutants() []mutant {
	compact := func(text []byte) []byte {
		var out bytes.Buffer
		if json.Compact(&out, text) != nil {
			return text
		}
		return out.Bytes()
	}
	return []mutant{
		{"null is absent", "WriteData keeps every text exactly, and absent apart", writingAs(func(text []byte) []byte {
			if string(text) == "null" {
				return nil
			}
			return text
		})},
		{"absent is null", "WritePayload keeps every text exactly, and absent apart", writingAs(func(text []byte) []byte {
			if text == nil {
				return []byte("null")
			}
			return text
		})},
		{"an empty string is absent", "WritePayload refuses another old payload", writingAs(func(text []byte) []byte {
			if string(text) == `""` {
				return nil
			}
			return text
		})},
		{"JSON tidied up", "WriteData keeps every text exactly, and absent apart", writingAs(compact)},
		{
			"three bytes per character", "WritePayload keeps every text exactly, and absent apart",
			writingAs(func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\U0001f600"), []byte("?")) }),
		},
		{
			"cut at 32 KiB", "WriteData keeps every text exactly, and absent apart",
			writingAs(func(text []byte) []byte { return text[:min(len(text), 32<<10)] }),
		},
		{"payload compared regardless of case", "WritePayload refuses another old payload", breaking(func(s *Store, b *broken) {
			b.writePayload = func(ctx context.Context, w models.PayloadWrite) (bool, error) {
				row, err := s.Find(ctx, w.Handle)
				if err == nil && row != nil && bytes.EqualFold(row.Payload, w.Old) {
					w.Old = row.Payload
				}
				return s.WritePayload(ctx, w)
			}
		})},
	}
}
