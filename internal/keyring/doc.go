// Package keyring keeps the keys that sign and verify tokens: by id, one per
// purpose and period, shared by all instances through the store.
//
// # One key's life
//
// Time is cut into slots of one Rotation each, counted from 1970, so that all
// instances see the same slots. A key belongs to one of them:
//
//	 lead        Rotation      Rotation + 2 min    TokenLifetime     24 h
//	├──────┼──────────────────┼──────────────────┼────────────────┼────────┤
//	│      ╞══════ signs ═════╪╌╌╌╌ reserve ╌╌╌╌╌┤                │        │
//	╞══════╪═════ verifies ═══╪══════════════════╪════════════════┤        │
//	│      │                  │                  │                │        │
//	│   ActiveFrom      its successor's   its tokens would     RetireAt    │
//	published           ActiveFrom        outlive it                    deleted
//
// It is published, which means inserted, before its slot begins: every instance
// reloads at least three times before it signs, and so can verify whatever it
// signs. Its successor, published in the same way, takes over after one
// Rotation. The reserve is for a time in which nobody can insert a successor:
// the key signs on as long as its tokens would die before it does. After that
// it only verifies, until the last token that it can have signed is dead. The
// two minutes are what the clocks of instances may differ. The row is deleted a
// day later at the earliest.
//
// That is how a rotation goes unnoticed. Two ways lead out of the picture: a
// key that is first, or that follows a gap, is active at once, since nobody
// could sign otherwise; and [Ring.Retire] moves RetireAt into the past.
//
// # Algorithms
//
// A key for access tokens verifies by the algorithm of its row, whichever is
// configured, and the newest key signs, whatever it is of. So all instances sign
// by one algorithm at any moment, also while a deploy changes the configuration:
// the start that finds the newest key to be of another algorithm makes one of its
// own, which takes over after the lead like every new key.
//
// # How instances agree
//
// Whoever notices first that a slot has no key inserts one; the store ignores
// every later insert for the same purpose and slot, and everybody reads the
// table again instead of believing in its own insert. So no key is overwritten,
// no instance leads, and no lock is held in the database.
//
// # What fails how
//
// Verifying never waits for anything as long as the key is known; a store or
// provider that fails or hangs takes no known key away. An unknown id is looked
// up at most once in ten seconds, however many requests bring one, and none of
// them waits longer than [Config.WaitLimit]. As "unknown" ends a session, it is
// only said when it is certain; otherwise it is [errors.ErrUnavailable].
//
// # Flights, snapshots and locks
//
// Keys come from at most two sources, the store and a provider. Each has
//
//   - a snapshot, the keys of the last good load, which never changes. Requests
//     read the pointer to it, an atomic, and need no lock.
//   - a flight, in which one operation runs at a time, in a goroutine of its
//     own, for at most ten seconds. All input and output takes place there: the
//     loads of [Ring.Run] and those for an unknown id, sealing, inserting,
//     retiring in the store. What only a flight touches, such as the fields of
//     storeSource, needs no lock either. (New works before there is anybody
//     else.)
//   - two mutexes, which nobody holds together, nor while anything waits. The
//     flight's guards the pointer to the operation under way. The source's
//     makes a load and Retire take turns at replacing the snapshot: Retire
//     takes the key out before its turn in the flight comes, and a load that
//     was already under way must not bring it back.
//
// A caller who gives up leaves the operation running: the next one needs it
// too.
package keyring
