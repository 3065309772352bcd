// Package keyring keeps the keys that sign and verify tokens: by id, one per
// purpose and period, shared by all instances through the store.
//
// # How instances agree
//
// Time is cut into slots of one rotation each. Whoever notices first that a
// slot has no key inserts one; the store ignores every later insert for the
// same purpose and slot, and everybody reads the table again instead of
// believing in its own insert. So no key is overwritten and no lock is held.
//
// # Why a rotation goes unnoticed
//
// A key is inserted before its slot begins, earlier than any instance needs to
// reload, so that all of them can verify with it when the first one signs. It
// goes on to verify until the last token that it can have signed is dead.
//
// # What fails how
//
// Verifying never waits for anything as long as the key is known; a store or
// provider that fails or hangs takes no known key away. An unknown id is
// looked up at most once in ten seconds however many requests bring one, and none
// of them waits longer than Config.WaitLimit. As
// "unknown" ends a session, it is only said when it is certain; else the
// answer is errors.ErrUnavailable.
package keyring
