package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// maxInserts bounds the slots tried for one key in one rotation. More than one
// is needed only where keys were retired by hand.
const maxInserts = 4

// storeSource is the store's side of a source: it reads rows, seals them and
// adds keys. All of it runs within the source's flight, one statement at a
// time, so its fields need no lock.
type storeSource struct {
	*source
	store     Store
	sealer    *sealer
	schedules []Schedule
	log       *slog.Logger
	warned    map[string]bool     // ids of rows that were complained about
	clear     []models.SigningKey // rows of the last load that are to be sealed
	refused   []string            // ids of the last load's rows that were refused for being in clear
}

// read is the source's fetch.
func (s *storeSource) read(ctx context.Context, now int64) ([]entry, error) {
	rows, err := s.store.Keys(ctx, now)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(rows))
	warned := make(map[string]bool)
	s.clear, s.refused = nil, nil
	for _, row := range rows {
		sched, ok := s.schedule(row.Purpose)
		if !ok || row.RetireAt <= now {
			continue // not for us: another version's purpose, or dead
		}
		e, inClear, err := s.sealer.decode(sched, row)
		entries = append(entries, e)
		switch {
		case errors.Is(err, errClearKey):
			s.refused = append(s.refused, row.ID)
			s.warn(warned, row, "signing key refused", err.Error())
		case err != nil:
			s.warn(warned, row, "signing key skipped", err.Error())
		case s.sealer.encrypts() && inClear:
			s.clear = append(s.clear, row)
		}
	}
	s.warned = warned // forgets the rows that are gone
	return entries, nil
}

// warn complains about a row once, not with every load. warned gathers the rows
// of this load, s.warned has those of the last one.
func (s *storeSource) warn(warned map[string]bool, row models.SigningKey, message, reason string) {
	warned[row.ID] = true
	if !s.warned[row.ID] {
		s.log.Warn("sessionkit: "+message, "kid", clipped(row.ID), "purpose", string(row.Purpose), "slot", row.Slot, "reason", reason)
	}
}

// schedule finds the schedule of a purpose.
func (s *storeSource) schedule(p models.KeyPurpose) (Schedule, bool) {
	for _, sched := range s.schedules {
		if sched.Purpose == p {
			return sched, true
		}
	}
	return Schedule{}, false
}

// reloadAndRotate is the source's tick. It loads first: what is due is decided
// by what all instances have done, not by what this one remembers.
func (s *storeSource) reloadAndRotate(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	return s.sealAndRotate(ctx)
}

// sealAndRotate does what is due by what is loaded.
func (s *storeSource) sealAndRotate(ctx context.Context) error {
	if err := s.sealClear(ctx); err != nil {
		return err
	}
	_, err := s.rotate(ctx)
	return err
}

// sealClear encrypts the rows that were stored in clear before there was a
// key-encryption key. Their secrets stay what they are, and so do all tokens.
// The store replaces only what was read, so that of several instances one wins.
func (s *storeSource) sealClear(ctx context.Context) error {
	if len(s.clear) == 0 {
		return nil
	}
	for _, row := range s.clear {
		key := row
		key.Secret = row.Secret[1:] // behind the form
		sealed, err := s.store.SealKey(ctx, row.ID, row.Secret, s.sealer.seal(key))
		if err != nil {
			return fmt.Errorf("sealing a signing key: %w", err)
		}
		if sealed {
			s.log.Info("sessionkit: signing key sealed", "kid", clipped(row.ID), "purpose", string(row.Purpose), "slot", row.Slot)
		}
	}
	return s.load(ctx) // others may have sealed them
}

// requireSealed stops a start beside rows in clear. To go on without them would
// end the sessions whose tokens they signed. To go on with them would let
// anybody sign in who can write the table. Only the operator knows which of the
// two it is.
func (s *storeSource) requireSealed() error {
	if len(s.refused) == 0 {
		return nil
	}
	names := make([]string, 0, len(s.refused))
	for _, id := range s.refused {
		names = append(names, clipped(id))
	}
	return errors.WithReason(errors.ErrConfig, fmt.Errorf("%w: rows %q: if they are from before Encryption was set,"+
		" start once with AllowClearKeys, which seals them; if not, somebody wrote to the table: delete them", errClearKey, names))
}

// rotate inserts the keys that are missing by what is loaded, reads what the
// store holds then, and reports whether it read.
//
// An insert that loses the race for its slot is no error and leaves no trace;
// the load that follows shows the winner's key. If it shows none, then the slot
// belongs to a key that has been retired by hand: its row keeps the slot until
// it is deleted, and Keys no longer returns it. The next round passes over that
// slot.
func (s *storeSource) rotate(ctx context.Context) (loaded bool, err error) {
	return s.insert(ctx, s.due)
}

// insert is rotate for the keys that due tells of.
func (s *storeSource) insert(ctx context.Context, due func(skip int) ([]models.SigningKey, bool, error)) (loaded bool, err error) {
	for skip := range maxInserts {
		due, regular, err := due(skip)
		if err != nil || len(due) == 0 {
			return loaded, err
		}
		for _, key := range due {
			if err := s.store.InsertKey(ctx, key); err != nil {
				return false, fmt.Errorf("inserting a signing key: %w", err)
			}
		}
		if err := s.load(ctx); err != nil {
			return false, err
		}
		loaded = true
		s.logNew(due)
		if regular {
			s.cleanUp(ctx)
		}
	}
	return loaded, nil
}

// due makes the keys to insert, ready for the store, after passing over skip
// slots. regular means that each of them has a predecessor which still signs. A
// key without one is active at once: nobody else can sign, so nobody's tokens
// come too early.
func (s *storeSource) due(skip int) (due []models.SigningKey, regular bool, err error) {
	now, snap := s.now(), s.snap.Load()
	regular = true
	for _, sched := range s.schedules {
		slot, missing := snap.missingSlot(sched, now, skip)
		if !missing {
			continue
		}
		_, signing := snap.signer(sched.Purpose, now, sched.TokenLifetime.Milliseconds())
		regular = regular && signing
		key, err := s.newKey(sched, slot, now, sched.activeFrom(slot, now, !signing))
		if err != nil {
			return nil, false, err
		}
		due = append(due, key)
	}
	return due, regular, nil
}

// newKey makes a key, ready for the store.
func (s *storeSource) newKey(sched Schedule, slot, now, active int64) (models.SigningKey, error) {
	key, err := sched.newKey(slot, now, active)
	if err == nil {
		key.Secret = s.sealer.seal(key)
	}
	return key, err
}

// introduce inserts a key of the configured algorithm, if the newest is of
// another, in the next free slot. Like any other, it is active when everybody
// knows it.
//
// That is done at a start and not by every tick: while a deploy brings another
// configuration, instances of both would make keys by turns. Between starts, a
// new period's key is of the algorithm of whoever inserts it.
func (s *storeSource) introduce(ctx context.Context) error {
	_, err := s.insert(ctx, func(skip int) ([]models.SigningKey, bool, error) { return s.dueByAlgorithm(skip, false) })
	return err
}

// dueByAlgorithm is due for introduce. urgent is after a key was retired: nothing
// else of the algorithm signs, and the tokens of another are nothing to services
// that verify by public keys.
func (s *storeSource) dueByAlgorithm(skip int, urgent bool) (due []models.SigningKey, regular bool, err error) {
	now, snap := s.now(), s.snap.Load()
	for _, sched := range s.schedules {
		newest, ok := snap.newest(sched, now)
		if !ok || sched.Purpose != models.KeyForAccess || newest.key.Algorithm() == token.Algorithm(sched.algorithm()) {
			continue
		}
		slot, free := snap.freeSlot(sched, now, skip)
		if !free {
			continue
		}
		// Behind the newest, or else that would take over again.
		active := max(sched.activeFrom(slot, now, false), newest.activeFrom+1)
		if urgent {
			active = max(now, newest.activeFrom+1)
		}
		key, err := s.newKey(sched, slot, now, active)
		if err != nil {
			return nil, false, err
		}
		due = append(due, key)
	}
	return due, false, nil
}

// logNew reports those keys that made it into the store: one instance logs
// each.
func (s *storeSource) logNew(keys []models.SigningKey) {
	snap := s.snap.Load()
	for _, key := range keys {
		if _, won := snap.byID[key.ID]; won {
			s.log.Info("sessionkit: signing key created", "kid", key.ID, "purpose", string(key.Purpose),
				"algorithm", key.Algorithm, "slot", key.Slot, "active_from", key.ActiveFrom, "retire_at", key.RetireAt)
		}
	}
}

// cleanUp deletes keys that retired long ago. It is only done where the
// predecessor's life confirms the clock: one that jumped a year ahead would
// find no key alive, and delete everybody's. Failing is no failure of a
// rotation: the next one tries again.
func (s *storeSource) cleanUp(ctx context.Context) {
	if _, err := s.store.DeleteKeys(ctx, s.now()-deleteAfter.Milliseconds()); err != nil {
		s.log.Warn("sessionkit: deleting retired signing keys failed", "error", err)
	}
}

// makeSigner is what a request does that finds no key to sign with. Such a
// request is rare: the process was asleep for longer than a key lives, or its
// clock jumped. First it makes the key that is missing by what was loaded last,
// which costs two statements. If none is missing, what was loaded may be out of
// date.
func (s *storeSource) makeSigner(p models.KeyPurpose, lifetime int64) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		// Whoever asked just before another's operation ended begins one after it.
		if _, ok := s.snap.Load().signer(p, s.now(), lifetime); ok {
			return nil
		}
		loaded, err := s.rotate(ctx)
		if err == nil && !loaded {
			err = s.reloadAndRotate(ctx) // the table may have been mended meanwhile
		}
		if err == nil {
			if _, ok := s.snap.Load().signer(p, s.now(), lifetime); ok {
				return nil
			}
			err = errNoSigner
		}
		s.making.rest(s.now(), failureRest)
		return err
	}
}

// retire ends kid in the store for everybody. The time is the earliest there
// is, so that no instance's clock is behind it.
func (s *storeSource) retire(ctx context.Context, kid string) (bool, error) {
	const longAgo = 1
	found, err := s.store.RetireKey(ctx, kid, longAgo)
	if err != nil {
		return false, fmt.Errorf("retiring a signing key: %w", err)
	}
	s.cleanUp(ctx) // makes its slot free for the successor
	if err := s.replaceRetired(ctx); err != nil {
		// The key is dead all the same, which is what the caller asked for. A
		// successor is made by the next tick, or by who needs it.
		s.log.Warn("sessionkit: replacing a retired signing key failed", "error", err)
	}
	return found, nil
}

func (s *storeSource) replaceRetired(ctx context.Context) error {
	if err := s.reloadAndRotate(ctx); err != nil {
		return err
	}
	_, err := s.insert(ctx, func(skip int) ([]models.SigningKey, bool, error) { return s.dueByAlgorithm(skip, true) })
	return err
}

// requireSigners fails when there is a purpose that nothing can be signed for.
// At a start that is a wrong key-encryption key rather than bad luck, and
// better noticed by the operator than by the first user who signs in.
func (s *storeSource) requireSigners() error {
	now, snap := s.now(), s.snap.Load()
	for _, sched := range s.schedules {
		if _, ok := snap.signer(sched.Purpose, now, sched.TokenLifetime.Milliseconds()); !ok {
			return errors.WithReason(errors.ErrConfig, fmt.Errorf(
				"no usable signing key for purpose %q: the store's row for the current period cannot be read"+
					" (wrong key-encryption key, newer version or broken row; see the log); mend or delete it", sched.Purpose))
		}
	}
	return nil
}

// clipped bounds what a broken row puts into the log.
func clipped(id string) string {
	const most = 64
	if !utf8.ValidString(id) {
		return "(not text)"
	}
	return id[:min(len(id), most)]
}
