package session

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// ImportConfig takes the sessions of an earlier system over, so that nobody signs in
// again: those of whose refresh tokens From can read, at the refresh route, and those
// that middleware.Adopt is told of.
//
// What it makes is derived from Key and from what the earlier system calls the session,
// so that tabs, retries after a lost answer and processes that come at once all get the
// same session. The earlier system's tables are only read, but for RevokeAll and
// RevokeOthers, and for what Cleanup removes after Sunset. RevokeWhere and
// RevokeEverything do not reach sessions that are still there: bring Sunset forward.
// Nor do MaxSessions and the lists of devices count them.
type ImportConfig struct {
	// From reads the earlier system's sessions by their refresh tokens; nil = none.
	From Importer
	// Key is a secret of at least 32 random bytes, the same in all processes and until
	// Sunset, and not in the database: whoever has it and the keys of the key table
	// could make tokens of the sessions that were taken over.
	Key []byte
	// Sunset ends it: from then on nothing is taken over, and the earlier system's
	// tokens, stolen ones too, are nothing to the kit. It is needed with From and Key.
	Sunset time.Time
	// Convert, if set, changes Payload and Data of a session before it is taken over,
	// such as to rename what has a reserved name. An error leaves the session where it
	// is, for this time.
	Convert func(ctx context.Context, old *Imported) error
}

// Importer reads the sessions of an earlier system. Its methods are safe for concurrent
// use. An error means that the earlier system's database could not be asked: the client
// gets an [errors.ErrUnavailable] and comes again. No token and no value belongs in it.
type Importer interface {
	// Import reads the session of a refresh token, as a client sent it: any text of up
	// to 4096 bytes, so an importer has a bound of its own for its tokens. It is nil
	// where the text is no authentic token of the earlier system. It changes nothing.
	Import(ctx context.Context, refreshToken string) (*Imported, error)
	// RevokeUser ends the sessions that a user still has in the earlier system.
	RevokeUser(ctx context.Context, userID string) error
	// DeleteEnded removes up to limit sessions whose own time was over before the given
	// one, and returns how many. It is not called before Sunset.
	DeleteEnded(ctx context.Context, before time.Time, limit int) (int, error)
}

// Imported is a session of an earlier system.
type Imported struct {
	hidden
	// Handle is what the earlier system calls the session. It and CreatedAt never
	// change: what is made here is derived from them.
	Handle string
	// CreatedAt is when the user signed in. The zero time of an adopted session is
	// taken for the time of its adoption.
	CreatedAt time.Time
	// ExpiresAt is when the session ends in the earlier system if nobody uses it. Here
	// it lives as long at least, until Sunset: else one that was ended here, and
	// cleaned up, could be taken over again.
	ExpiresAt time.Time
	// UserID is the user's, as for Create.
	UserID string
	// Payload and Data are JSON values; nil is absent.
	Payload, Data any

	// Ended says that the earlier system has no such session, or none any more.
	Ended bool
	// Replaced says that the token is neither the session's current one nor a child of
	// that: whoever uses it, somebody has a copy.
	Replaced bool
}

// maxForeign is the longest refresh token of an earlier system that is looked at:
// browsers keep no longer cookie.
const maxForeign = 4096

// validate refuses a key that is no secret and an import without an end. One whose end
// has passed is right: that is how it ends.
func (c ImportConfig) validate(p *fieldProblems) {
	if c.From != nil && isNil(c.From) {
		p.add("Import.From", "is a nil %T", c.From)
	}
	if c.From == nil && len(c.Key) == 0 {
		if c.Convert != nil || !c.Sunset.IsZero() {
			p.add("Import.Key", "is missing")
		}
		return
	}
	switch {
	case len(c.Key) < sha256.Size:
		p.add("Import.Key", "has %d bytes, and needs %d at least", len(c.Key), sha256.Size)
	case bytes.Count(c.Key, c.Key[:1]) == len(c.Key):
		p.add("Import.Key", "is one byte repeated, and not random")
	}
	if c.Sunset.IsZero() {
		p.add("Import.Sunset", "is missing: say when the import ends")
	}
}

// foreignOrigin is where a refresh token that is none of ours came from.
type foreignOrigin struct {
	text string
	old  *Imported
	// first is the hash that stands for the earlier system's current token.
	first models.Hash
}

// The domains keep what is derived from ImportConfig.Key apart.
const (
	importFamilyDomain = "sessionkit import v1 family\x00"
	importTokenDomain  = "sessionkit import v1 token\x00"
	adoptFamilyDomain  = "sessionkit adopt v1 family\x00"
	adoptTokenDomain   = "sessionkit adopt v1 token\x00"
)

// derive makes 256 bits of an old session that nobody can know without the key.
func (c ImportConfig) derive(domain, handle string, created int64) (d token.Derivation) {
	mac := hmac.New(sha256.New, c.Key)
	_, _ = mac.Write([]byte(domain))
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(created))) //nolint:gosec // not negative
	_, _ = mac.Write([]byte(handle))
	mac.Sum(d[:0])
	return d
}

// over reports whether nothing is taken over any more.
func (c ImportConfig) over(now time.Time) bool { return !now.Before(c.Sunset) }

// importing is the importer, as long as there is something to take over; else nil.
func (s *Service) importing() Importer {
	if s.cfg.Import.From == nil || s.cfg.Import.over(s.cfg.Now()) {
		return nil
	}
	return s.cfg.Import.From
}

// recognise reads a refresh token of the earlier system. It is nil without an error
// where the text is none.
func (s *Service) recognise(ctx context.Context, text string) (*refreshToken, error) {
	from := s.importing()
	if from == nil || text == "" || len(text) > maxForeign {
		return nil, nil //nolint:nilnil // as the comment says
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	old, err := from.Import(ctx, text)
	if err != nil {
		return nil, importFailed(err)
	}
	if old == nil {
		return nil, nil //nolint:nilnil // as the comment says
	}
	if err := checkImported(old); err != nil {
		return nil, refusedImport(err)
	}
	created := old.CreatedAt.UnixMilli()
	family := s.derivedFamily(importFamilyDomain, old.Handle, created, old.UserID)
	first := models.Hash(sha256.Sum256(sliceOf(s.cfg.Import.derive(importTokenDomain, old.Handle, created))))
	tok := &refreshToken{Refresh: token.FirstRefresh(family, token.Derivation{}, 0), hash: first}
	if old.Replaced {
		// No row has this one: that is what the state machine calls replaced.
		tok.hash = sha256.Sum256(first[:])
	}
	tok.foreign = &foreignOrigin{text: text, old: old, first: first}
	return tok, nil
}

// orForeign is the earlier system's token where refused is the verdict on it as one of
// ours, and refused where it is none.
func (s *Service) orForeign(ctx context.Context, text string, refused error) (*refreshToken, error) {
	if s.cfg.Import.From == nil || errors.Is(refused, errors.ErrGeneral) {
		return nil, refused
	}
	tok, err := s.recognise(ctx, text)
	if tok != nil || err != nil {
		return tok, err
	}
	return nil, s.refusedForeign(refused)
}

// refusedForeign says beside refused that it is too late, where it is.
func (s *Service) refusedForeign(refused error) error {
	if s.cfg.Import.From != nil && s.importing() == nil {
		return errors.WithReason(errors.ErrUnauthorised, errors.Join(errors.ErrImportOver, refused))
	}
	return refused
}

func sliceOf(d token.Derivation) []byte { return d[:] }

func (s *Service) derivedFamily(domain, handle string, created int64, userID string) token.Family {
	d := s.cfg.Import.derive(domain, handle, created)
	if s.store.Sharded() {
		return d.ShardedFamily(created, models.HomeOf(userID))
	}
	return d.Family(created)
}

// importFailed is the class of an importer's error: it passes by itself.
func importFailed(err error) error {
	if errors.Is(err, errors.ErrGeneral) {
		return err
	}
	return errors.WithReason(errors.ErrUnavailable, err)
}

// refusedImport is the verdict on a session that cannot be taken over. What the session
// lacks, the operator may mend: so nothing is cleared. Of the error of a sign-in with
// such values only the reason is kept: the client has not passed anything wrong.
func refusedImport(err error) error {
	for _, reason := range []error{
		errors.ErrReservedClaim, errors.ErrCookieTooLarge, errors.ErrUserIDInvalid,
		errors.ErrValueNotJSON, errors.ErrValueTooDeep, errors.ErrValueTooLarge,
	} {
		if errors.Is(err, reason) {
			err = reason
			break
		}
	}
	return errors.WithReason(errors.ErrUnauthorised, errors.WithReason(errors.ErrImportRefused, err))
}

// maxBegin is the last time that a handle can begin with.
const maxBegin = 1<<48 - 1

// checkImported refuses what nothing can be derived from.
func checkImported(old *Imported) error {
	created := old.CreatedAt.UnixMilli()
	switch {
	case old.Handle == "":
		return errors.New("the importer gives no handle")
	case created <= 0 || created > maxBegin:
		return errors.New("the importer gives no time of creation")
	}
	return checkUserID(old.UserID)
}

// currentAt reports whether the row still waits for the first token of ours: what is
// presented is the earlier system's current one then, unless that has ended meanwhile.
func (f *foreignOrigin) currentAt(row *models.Session) bool {
	return row.Lineage.Current.Equal(f.first)
}

// importedRow is the row that a foreign token is judged by: it is made if there is
// none.
func (s *Service) importedRow(ctx context.Context, tok *refreshToken, row *models.Session) (*models.Session, error) {
	f := tok.foreign
	switch {
	case row == nil && f.old.Ended:
		return nil, nil //nolint:nilnil // no such session
	case row == nil:
		return s.importRow(ctx, tok)
	case f.old.Ended && f.currentAt(row):
		// Nobody has used what it became here, and there it is over.
		return nil, nil //nolint:nilnil // no such session any more
	case f.currentAt(row):
		return s.stillThere(ctx, f, row)
	}
	return row, nil
}

// stillThere looks again at the earlier system's session, after the row was seen to be
// there. RevokeAll ends the sessions there first and then those here: one that was read
// before that, and stored after, must not come through between the two, whoever has
// stored it. A client that hangs up must not stop the look.
func (s *Service) stillThere(ctx context.Context, f *foreignOrigin, row *models.Session) (*models.Session, error) {
	ctx, cancel := s.detached(ctx)
	defer cancel()
	again, err := s.cfg.Import.From.Import(ctx, f.text)
	if err != nil {
		return nil, importFailed(err)
	}
	if again == nil || again.Ended {
		_, err := s.end(ctx, models.Revocation{Handle: row.Handle, Reason: models.RevokedByRevokeAll}, row.UserID)
		return nil, err
	}
	return row, nil
}

// importRow takes a session over. Others may do the same at once: whoever stores the
// row first, all read it.
func (s *Service) importRow(ctx context.Context, tok *refreshToken) (*models.Session, error) {
	f, now := tok.foreign, s.now()
	row, err := s.rowOf(ctx, f.old, tok.Handle(), now, &creation{})
	if err != nil {
		return nil, err
	}
	row.Lineage = models.Lineage{Current: f.first, IssuedAt: now}
	if !row.LiveAt(now) {
		return row, nil // it would have ended here by now
	}
	if err := s.store.Insert(ctx, row); err != nil {
		found, readErr := s.store.Find(ctx, row.Handle)
		if readErr != nil || found == nil {
			return nil, err
		}
		return s.importedRow(ctx, tok, found)
	}
	row, err = s.stillThere(ctx, f, row)
	if row != nil {
		s.emit(ctx, Event{Kind: EventImported, Handle: row.Handle, UserID: row.UserID})
	}
	return row, err
}

// longAgo is when a user proved last who it is where nobody knows, in milliseconds.
const longAgo = 1000

// rowOf is the row of a session that is taken over, but for its refresh token.
func (s *Service) rowOf(ctx context.Context, old *Imported, handle string, now int64, c *creation) (*models.Session, error) {
	converted := *old
	if convert := s.cfg.Import.Convert; convert != nil {
		if err := convert(ctx, &converted); errors.Is(err, errors.ErrGeneral) {
			return nil, err
		} else if err != nil {
			return nil, refusedImport(err)
		}
	}
	c.payload, c.data, c.imported = importedValue(converted.Payload), importedValue(converted.Data), true
	row, err := s.newRow(old.UserID, handle, now, c)
	if err != nil {
		return nil, refusedImport(err)
	}
	switch {
	case !old.CreatedAt.IsZero():
		row.CreatedAt = old.CreatedAt.UnixMilli()
	case !c.proven:
		row.AuthAt = longAgo // nobody knows when, so that it is never recent
	}
	row.AbsoluteExpiresAt = s.absoluteEnd(row.CreatedAt)
	row.ExpiresAt = s.idleEnd(now, row.AbsoluteExpiresAt, 0)
	// Not less than the earlier system's end, whatever Sunset is: once it is moved later,
	// a row that was ended here must still be there to say so.
	kept := old.ExpiresAt.UnixMilli()
	if row.AbsoluteExpiresAt > 0 {
		kept = min(kept, row.AbsoluteExpiresAt)
	}
	row.ExpiresAt = max(row.ExpiresAt, kept)
	if err := s.checkFits(row, c.before); err != nil {
		return nil, refusedImport(err)
	}
	return row, nil
}

// importedValue is a value of the earlier system as a sign-in takes it.
func importedValue(v any) any {
	if text, ok := v.(json.RawMessage); v == nil || ok && len(text) == 0 {
		return Undefined{}
	}
	return v
}

// revokeThere ends what a user still has in the earlier system, before what it has
// here: see importRow.
func (s *Service) revokeThere(ctx context.Context, userID string) error {
	from := s.importing()
	if from == nil || checkUserID(userID) != nil {
		return nil //nolint:nilerr // no session has such an id
	}
	err := s.boundedly(ctx, func(ctx context.Context) error { return from.RevokeUser(ctx, userID) })
	if err != nil {
		return importFailed(err)
	}
	return nil
}

// cleanThere removes what has ended in the earlier system, once nothing is taken over
// any more: until then it is needed to tell what was stolen.
func (s *Service) cleanThere(ctx context.Context) (removed int) {
	c := s.cfg.Import
	if c.From == nil || !c.over(s.cfg.Now()) {
		return 0
	}
	before := s.cfg.Now().Add(-cleanupGrace)
	for more := true; more; {
		var n int
		n, more = s.removeBatch(ctx, part{remove: func(ctx context.Context) (int, error) {
			return c.From.DeleteEnded(ctx, before, s.cfg.Cleanup.Batch)
		}})
		removed += n
	}
	return removed
}
