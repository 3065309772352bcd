package gormstore

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
)

// The transitions are compare-and-swaps: the WHERE clause repeats what the
// decision was based on, and the caller learns whether the row was still so.
// Two of them that meet at one row take turns there, and the second no longer
// matches. Optional conditions are appended, so each combination is a text of
// its own.

// advance binds the previous hash rather than copying it from the row: in SET a
// = ?, b = a the engines disagree on which a they mean. The idle end only moves
// on; CASE rather than GREATEST, which SQLite calls MAX.
const advance statement = "UPDATE {sessions} SET refresh_prev_hash = ?, refresh_cur_hash = ?, refresh_cur_iat = ?, " +
	"refresh_gen = ?, last_used_at = ?, " +
	"expires_at = CASE WHEN expires_at < ? THEN ? ELSE expires_at END " +
	"WHERE {handle} AND refresh_cur_hash = ?" + live

// expectPrevious is appended to advance.
const expectPrevious = " AND refresh_prev_hash = ?"

// Advance applies one compare-and-swap; see session.Store. It reports whether
// the current token was still step.From, on a live session.
func (s *Store) Advance(ctx context.Context, step models.Advance) (bool, error) {
	query := s.sql.of(advance)
	args := []any{
		s.hash(step.Previous), s.hash(step.To), step.IssuedAt, step.Generation, step.Now,
		step.ExpiresAt, step.ExpiresAt,
		s.handle(step.Handle), s.hash(step.From), step.Now, step.Now,
	}
	if !step.ExpectPrevious.IsZero() {
		query += expectPrevious
		args = append(args, s.hash(step.ExpectPrevious))
	}
	return s.swap(ctx, query, args...)
}

// extend asks for an earlier end, so that it always changes the row it matches:
// MySQL without clientFoundRows counts rows that changed, not rows that
// matched.
const extend statement = "UPDATE {sessions} SET expires_at = ?, last_used_at = ? " +
	"WHERE {handle} AND refresh_cur_hash = ? AND expires_at < ?" + live

// Extend moves the idle end later; see session.Store. It reports whether it
// did: an end that is late enough already is not moved.
func (s *Store) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	return s.swap(ctx, s.sql.of(extend), ext.ExpiresAt, ext.Now,
		s.handle(ext.Handle), s.hash(ext.Current), ext.ExpiresAt, ext.Now, ext.Now)
}

// confirm asks for the flag, so that it always changes the row it matches, and takes it
// away as a number: the other flags stay, whatever they are.
const confirm statement = "UPDATE {sessions} SET flags = flags - ?, last_used_at = ?, " +
	"expires_at = CASE WHEN expires_at < ? THEN ? ELSE expires_at END " +
	"WHERE {handle} AND (flags & ?) <> 0" + live

// Confirm takes the flag of a pending session away; see session.Store.
func (s *Store) Confirm(ctx context.Context, c models.Confirmation) (bool, error) {
	return s.swap(ctx, s.sql.of(confirm), int64(models.FlagPending), c.Now, c.ExpiresAt, c.ExpiresAt,
		s.handle(c.Handle), int64(models.FlagPending), c.Now, c.Now)
}

// writeData changes the row even when the data stays the same, by the version.
const writeData statement = "UPDATE {sessions} SET data = ?, data_version = data_version + 1 " +
	"WHERE {handle}" + live

// WriteData replaces the data; see session.Store. Data that no column holds is
// [errors.ErrInvalidInput].
func (s *Store) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	if err := checkLimits([]limit{{"data", 0, maxBlob, len(w.Data), true}}); err != nil {
		return false, err
	}
	query := s.sql.of(writeData)
	args := []any{s.bytes(w.Data), s.handle(w.Handle), w.Now, w.Now}
	if w.IfVersion != nil {
		query += " AND data_version = ?"
		args = append(args, *w.IfVersion)
	}
	return s.swap(ctx, query, args...)
}

// writePayload is followed by a comparison with the payload that was read,
// which stands in for a version: payloads are compared byte by byte, and the
// two differ.
const writePayload statement = "UPDATE {sessions} SET payload = ? WHERE {handle}" + live

// WritePayload replaces the payload; see session.Store. A payload that no
// column holds is [errors.ErrInvalidInput].
func (s *Store) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	if err := checkLimits([]limit{{"payload", 0, maxBlob, len(w.New), true}}); err != nil {
		return false, err
	}
	query := s.sql.of(writePayload)
	args := []any{s.bytes(w.New), s.handle(w.Handle), w.Now, w.Now}
	if w.Old == nil { // "= NULL" matches nothing
		query += " AND payload IS NULL"
	} else {
		query += " AND payload = ?"
		args = append(args, s.bytes(w.Old))
	}
	return s.swap(ctx, query, args...)
}

// revoke does not ask whether the session is live: one that has expired can be
// revoked too, and who has revoked it first is what counts.
const revoke statement = "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? WHERE {handle} AND revoked_at = 0"

// succeed is revoke for a session whose place another one takes.
const succeed statement = "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ?, origin = ? WHERE {handle} AND revoked_at = 0"

// Revoke marks the row as revoked; see session.Store.
func (s *Store) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	if err := checkReason(r.Reason); err != nil {
		return false, err
	}
	query := s.sql.of(revoke)
	args := []any{r.Now, string(r.Reason), s.handle(r.Handle)}
	if r.Successor != "" {
		if err := checkLimits([]limit{{"origin", 0, maxHandle, len(r.Successor), true}}); err != nil {
			return false, err
		}
		query = s.sql.of(succeed)
		args = []any{r.Now, string(r.Reason), s.exact(r.Successor), s.handle(r.Handle)}
	}
	if r.UserID != "" {
		query += " AND user_id = ?"
		args = append(args, s.exact(r.UserID))
	}
	if !r.Current.IsZero() {
		query += " AND refresh_cur_hash = ?"
		args = append(args, s.hash(r.Current))
	}
	return s.swap(ctx, query, args...)
}

// checkReason is checkRow for the one column that a revocation writes.
func checkReason(reason models.RevokeReason) error {
	return checkLimits([]limit{{"revoke_reason", 0, maxReason, len(reason), ascii(string(reason))}})
}
