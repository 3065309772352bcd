package session

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Store keeps the rows. The kit's own are models/gormstore and, in memory,
// models/memstore; session/storetest is the conformance suite that every store
// must pass.
//
// What every method promises:
//
//   - It is one statement that commits by itself, on the primary and outside of
//     any transaction, so that its effect is seen by the next call on any
//     connection. It takes one connection at a time. What ends or deletes many
//     rows may read them by one statement and write them by another that asks
//     for the conditions again.
//   - What it reads, locks and writes is bounded, however many sessions a user
//     or the table has: callers go on where a call left off.
//   - It returns when ctx ends. It may repeat a statement which the database
//     rolled back (deadlock, serialisation failure, lock wait) as long as ctx
//     lives.
//   - An error means that the system failed, never that nothing matched; it is
//     an [errors.ErrGeneral], and an [errors.ErrUnavailable] when it may pass by
//     itself. After an error a write may or may not have happened, or may
//     still happen: callers read again before they judge.
//   - Times are milliseconds since 1970 UTC and come from the caller. "Live at
//     now" is models.Session.LiveAt: not revoked, not expired.
//   - User ids and handles are compared byte for byte.
//   - A user agent is for people to look at: of one that the database cannot
//     hold, the store keeps what it can. No other value is ever changed.
//   - No token, hash, key, payload or data value appears in an error or a log.
//
// A store that spreads its rows over several database servers keeps all sessions
// of one user on one of them. RevokeAll writes many rows by one statement, and
// its conditions and the deadlocks with other writers of these rows are the
// business of one server: where the statement is spread over several, two calls
// for one user can each hold what the other waits for, nobody notices, both time
// out and the sessions live on. (So Vitess is sharded by user_id, or by the
// home of a sharded store, and not by handle. Check cannot see it: to a store such
// a keyspace is one database.)
//
// Methods are safe for concurrent use.
type Store interface {
	// Check reports, as [errors.ErrSchema] naming what is missing, whether the
	// tables have what this version needs. It changes nothing.
	Check(ctx context.Context) error

	// Sharded reports whether rows lie by the home of their user. It never changes.
	// Where it is true, handles begin with that home (models.HomeOfHandle), no other
	// row is stored, no statement is about more than one slice of the homes, and those
	// about one session or one user are about one home.
	Sharded() bool

	// Insert stores a new row. A row with this handle already there is
	// [errors.ErrDuplicate], unless it is this very row, inserted by an earlier
	// attempt of the same call whose answer was lost. In a sharded store a row whose
	// handle does not begin with its user's home is [errors.ErrInvalidInput].
	Insert(ctx context.Context, row *models.Session) error

	// Find returns the row, live or not, or nil when there is none.
	Find(ctx context.Context, handle string) (*models.Session, error)

	// Advance applies one compare-and-swap, and reports whether it matched.
	// Of any number of concurrent calls with the same From, exactly one does.
	Advance(ctx context.Context, step models.Advance) (bool, error)

	// Extend moves the idle end later, and reports whether it did. An end that
	// is as late already is left alone and reported as false.
	Extend(ctx context.Context, ext models.Extend) (bool, error)

	// WriteData replaces data and counts its version up, and reports whether a
	// live row (of that version, if given) was there.
	WriteData(ctx context.Context, w models.DataWrite) (bool, error)

	// WritePayload replaces the payload, and reports whether a live row with
	// the old one was there.
	WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error)

	// Revoke marks the row as revoked, and reports whether this call ended it:
	// false for a row that is absent or revoked already, or whose user or current
	// token is not the one given, if one is. An expired row that nobody revoked
	// counts as ended by this call. A successor that is given becomes the row's origin.
	Revoke(ctx context.Context, r models.Revocation) (bool, error)

	// Confirm takes models.FlagPending from a live row that has it, moves the idle end on
	// and leaves the other flags as they are; it reports whether it did. Of any number of
	// concurrent calls exactly one does.
	Confirm(ctx context.Context, c models.Confirmation) (bool, error)

	// RevokeAll looks at up to r.Limit sessions of a user below r.From, from the
	// newest on, and revokes the live ones, except the one named (if not empty).
	// It returns how many it ended, and where to go on.
	//
	// Called until there is no Next, it has ended every live session whose Insert
	// had returned before the first of these calls. It comes to an end while
	// others are added: new ones come above the place where it is. A session
	// counts in one call only, whoever else revokes at the same time.
	RevokeAll(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error)

	// List looks at up to q.Limit sessions of a user above q.From, from the oldest
	// on, and returns the live ones in this order, without payload, data and token
	// hashes, and where to go on. Called until there is no Next, it has returned
	// each session that was there all the time exactly once.
	List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error)

	// SetLabel names a live session of a user, and reports whether there is one: true
	// too where it has this label already.
	SetLabel(ctx context.Context, w models.LabelWrite) (bool, error)

	// Downgrade looks at up to d.Limit sessions of a user below d.From, from the newest
	// on, and lowers the level of those live ones where it is above d.Level. It returns
	// how many it lowered, and where to go on; of its calls holds what RevokeAll says.
	Downgrade(ctx context.Context, d models.Downgrade) (models.Downgraded, error)

	// Walk looks at up to w.Limit sessions of all users after w.After, in the order
	// of their handles, and returns the live ones, without payload, data and token
	// hashes, and where to go on. Called until there is no Next, it has returned each
	// session that was there all the time exactly once. A page of a sharded store ends
	// with its slice, too.
	Walk(ctx context.Context, w models.Walk) (models.WalkPage, error)

	// RevokeMany ends the live ones among up to 1000 sessions, and returns how many
	// it ended. After an error the number is 0, whatever was done.
	RevokeMany(ctx context.Context, r models.RevocationOfMany) (int, error)

	// DeleteEnded removes up to e.Limit rows of a slice that ended before the given
	// time: idle or absolute end passed. Tombstones of revoked sessions stay until
	// then too. It returns how many it removed. A slice that the store does not have is
	// [errors.ErrInvalidInput].
	DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error)

	// ClaimCleanup reports whether the caller may clean up a slice now: true for one
	// caller of all instances, and then for none until the given time. The slices do
	// not meet. One that the store does not have is [errors.ErrInvalidInput].
	ClaimCleanup(ctx context.Context, c models.CleanupClaim) (bool, error)

	KeyStore
}

// FeedStore is a Store that keeps the feed too, by which processes tell each other
// about revocations: see [RevokeSoon].
//
// The times of the feed are the database's own, which all processes share: a hint's is
// taken by the statement that stores it.
type FeedStore interface {
	Store

	// FeedOn reports whether the feed was turned on when Check looked last. Before
	// that it is false.
	FeedOn() bool

	// TurnFeedOn turns the feed on for good, for every process that starts from now
	// on. A table that is missing is [errors.ErrSchema].
	TurnFeedOn(ctx context.Context) error

	// WriteHint appends a hint; its At is the database's time, whatever it holds.
	// One that is stored twice does no harm.
	WriteHint(ctx context.Context, h models.Hint) error

	// ReadFeed returns up to q.Limit hints in the order of their positions, the time
	// at the database when it began to read, and where to go on. It sees every hint
	// whose WriteHint had returned before it was called.
	ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error)

	// FindMany returns the rows of up to 1000 handles, live or not, without payload,
	// data and token hashes, in any order. An absent one is left out.
	FindMany(ctx context.Context, handles []string) ([]models.Session, error)

	// DeleteHints removes up to limit hints whose time is before the given one, and
	// returns how many.
	DeleteHints(ctx context.Context, before int64, limit int) (int, error)

	// ClaimFeedCleanup is ClaimCleanup for the feed; the two do not meet.
	ClaimFeedCleanup(ctx context.Context, now, until int64) (bool, error)
}

// TxStore is the part of a Store that works in a transaction of the application, for
// [Service.Batch]; models/gormstore makes one by In. Each method runs its statements
// once, in the transaction: nothing is repeated, as after a deadlock the transaction is
// gone and a repeat would commit by itself.
//
// A TxStore that was made of something else than a transaction returns
// [errors.ErrConfig] from every method.
type TxStore interface {
	// Revoke is that of Store.
	Revoke(ctx context.Context, r models.Revocation) (bool, error)
	// RevokeAll ends all live sessions of a user, but for the one to spare, and
	// returns how many. From and Limit are not asked.
	RevokeAll(ctx context.Context, r models.RevocationOfUser) (int, error)
	// List is that of Store.
	List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error)
	// WriteHint is that of FeedStore.
	WriteHint(ctx context.Context, h models.Hint) error
}

// KeyStore keeps the signing keys that all instances share.
type KeyStore interface {
	// Keys returns every key whose RetireAt is after now.
	Keys(ctx context.Context, now int64) ([]models.SigningKey, error)

	// InsertKey stores a key unless one of its purpose and slot exists: then
	// it does nothing and returns no error. It never overwrites. Callers read the
	// keys afterwards to learn whose it is.
	InsertKey(ctx context.Context, key models.SigningKey) error

	// RetireKey moves a key's RetireAt to the given time if it is later now,
	// and reports whether it did.
	RetireKey(ctx context.Context, id string, at int64) (bool, error)

	// SealKey replaces the stored form of a key's secret, and reports whether it did:
	// only where the form is still the one that was read, byte for byte. Callers pass
	// another form of the same secret: a key never gets another one.
	SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error)

	// DeleteKeys removes keys that retired before the given time.
	DeleteKeys(ctx context.Context, before int64) (int, error)
}
