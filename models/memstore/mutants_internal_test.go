package memstore

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Times in milliseconds. The suite's rows are live at the last one.
const (
	minute = int64(time.Minute / time.Millisecond)
	hour   = 60 * minute
	day    = 24 * hour
	during = 1_750_000_000_000 + 10*minute
)

// mutant is a store with one bug, and the check that must see it.
type mutant struct {
	name     string
	caughtBy string
	open     func() session.Store
}

func mutants() []mutant {
	return slices.Concat(
		advanceMutants(), boundMutants(), rowMutants(), extendMutants(), confirmMutants(), valueMutants(),
		revokeMutants(), revokeAllMutants(), userMutants(), listMutants(), cleanupMutants(),
		keyMutants(), contextMutants(),
		labelMutants(), walkMutants(), revokeManyMutants(), downgradeMutants(), downgradePageMutants(), shardedMutants(),
		feedMutants(), hintMutants(), feedPageMutants(), findManyMutants(), feedUpkeepMutants(),
	)
}

// dawdle lets the other racers in between reading and writing.
func dawdle() {
	for range 5 {
		runtime.Gosched()
	}
}

// broken is the in-memory store with some methods replaced.
type broken struct {
	*Store
	insert       func(context.Context, *models.Session) error
	find         func(context.Context, string) (*models.Session, error)
	advance      func(context.Context, models.Advance) (bool, error)
	extend       func(context.Context, models.Extend) (bool, error)
	confirm      func(context.Context, models.Confirmation) (bool, error)
	writeData    func(context.Context, models.DataWrite) (bool, error)
	writePayload func(context.Context, models.PayloadWrite) (bool, error)
	revoke       func(context.Context, models.Revocation) (bool, error)
	revokeAll    func(context.Context, models.RevocationOfUser) (models.RevokedOfUser, error)
	list         func(context.Context, models.SessionsOfUser) (models.SessionPage, error)
	deleteEnded  func(context.Context, models.EndedSessions) (int, error)
	claim        func(context.Context, models.CleanupClaim) (bool, error)
	check        func(context.Context) error
	keysAt       func(context.Context, int64) ([]models.SigningKey, error)
	insertKey    func(context.Context, models.SigningKey) error
	retireKey    func(context.Context, string, int64) (bool, error)
	sealKey      func(ctx context.Context, id string, read, sealed []byte) (bool, error)
	deleteKeys   func(context.Context, int64) (int, error)
	setLabel     func(context.Context, models.LabelWrite) (bool, error)
	walk         func(context.Context, models.Walk) (models.WalkPage, error)
	revokeMany   func(context.Context, models.RevocationOfMany) (int, error)
	downgrade    func(context.Context, models.Downgrade) (models.Downgraded, error)
	feedOn       func() bool
	turnFeedOn   func(context.Context) error
	writeHint    func(context.Context, models.Hint) error
	readFeed     func(context.Context, models.FeedQuery) (models.FeedPage, error)
	findMany     func(context.Context, []string) ([]models.Session, error)
	deleteHints  func(context.Context, int64, int) (int, error)
	claimFeed    func(context.Context, int64, int64) (bool, error)
}

// breaking returns a function that opens an in-memory store and breaks it.
func breaking(change func(s *Store, b *broken)) func() session.Store {
	return breakingOf(New, change)
}

// breakingSharded does so with a sharded one.
func breakingSharded(change func(s *Store, b *broken)) func() session.Store {
	return breakingOf(NewSharded, change)
}

func breakingOf(open func() *Store, change func(s *Store, b *broken)) func() session.Store {
	return func() session.Store {
		s := open()
		b := &broken{
			Store: s, insert: s.Insert, find: s.Find, advance: s.Advance, extend: s.Extend, confirm: s.Confirm,
			writeData: s.WriteData, writePayload: s.WritePayload, revoke: s.Revoke, revokeAll: s.RevokeAll,
			list: s.List, deleteEnded: s.DeleteEnded, claim: s.ClaimCleanup, check: s.Check,
			keysAt: s.Keys, insertKey: s.InsertKey, retireKey: s.RetireKey, deleteKeys: s.DeleteKeys, sealKey: s.SealKey,
			setLabel: s.SetLabel, walk: s.Walk, revokeMany: s.RevokeMany, downgrade: s.Downgrade,
			feedOn: s.FeedOn, turnFeedOn: s.TurnFeedOn, writeHint: s.WriteHint, readFeed: s.ReadFeed,
			findMany: s.FindMany, deleteHints: s.DeleteHints, claimFeed: s.ClaimFeedCleanup,
		}
		change(s, b)

		return b
	}
}

func (b *broken) Check(ctx context.Context) error                       { return b.check(ctx) }
func (b *broken) Insert(ctx context.Context, row *models.Session) error { return b.insert(ctx, row) }

func (b *broken) InsertKey(ctx context.Context, k models.SigningKey) error {
	return b.insertKey(ctx, k)
}

func (b *broken) Find(ctx context.Context, handle string) (*models.Session, error) {
	return b.find(ctx, handle)
}

func (b *broken) Advance(ctx context.Context, step models.Advance) (bool, error) {
	return b.advance(ctx, step)
}

func (b *broken) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	return b.extend(ctx, ext)
}

func (b *broken) Confirm(ctx context.Context, c models.Confirmation) (bool, error) {
	return b.confirm(ctx, c)
}

func (b *broken) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	return b.writeData(ctx, w)
}

func (b *broken) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	return b.writePayload(ctx, w)
}

func (b *broken) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	return b.revoke(ctx, r)
}

func (b *broken) RevokeAll(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
	return b.revokeAll(ctx, r)
}

func (b *broken) Downgrade(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
	return b.downgrade(ctx, d)
}

func (b *broken) List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
	return b.list(ctx, q)
}

func (b *broken) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	return b.deleteEnded(ctx, e)
}

func (b *broken) ClaimCleanup(ctx context.Context, c models.CleanupClaim) (bool, error) {
	return b.claim(ctx, c)
}

func (b *broken) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	return b.keysAt(ctx, now)
}

func (b *broken) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	return b.retireKey(ctx, id, at)
}

func (b *broken) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	return b.sealKey(ctx, id, read, sealed)
}

func (b *broken) DeleteKeys(ctx context.Context, before int64) (int, error) {
	return b.deleteKeys(ctx, before)
}
