package storetest

import (
	"encoding/hex"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

func insertChecks() []check {
	return []check{
		{"Insert refuses another row with the same handle", insertDuplicate},
		{"Insert does not bring a revoked session back", insertOverTombstone},
		{"Insert tells no secret when it fails", insertTellsNothing},
		{"Insert lets one of the racers with the same handle in", insertRace},
		{"Insert takes the very same row again", insertAgain},
		{"Insert keeps every field exactly", insertExact},
		{"Insert and Find copy deeply", insertCopies},
		{"Find returns nil for an absent row", findAbsent},
		{"Find returns dead rows as well", findDead},
		{"Check is content with a good store and changes nothing", checkContent},
	}
}

func requireDuplicate(tr *trial, err error, why string) {
	tr.Helper()
	require.ErrorIs(tr, err, errors.ErrDuplicate, why)
	require.ErrorIs(tr, err, errors.ErrGeneral, why)
}

func insertDuplicate(tr *trial) {
	row := tr.insert()
	for name, change := range map[string]func(*models.Session){
		"of another user":          func(r *models.Session) { r.UserID = "mallory" },
		"with another token":       func(r *models.Session) { r.Lineage.Current = tr.hash() },
		"with another payload":     func(r *models.Session) { r.Payload = []byte(`{"role":"admin"}`) },
		"without a payload":        func(r *models.Session) { r.Payload = nil },
		"with other data":          func(r *models.Session) { r.Data = []byte(`{}`) },
		"with another idle end":    func(r *models.Session) { r.ExpiresAt++ },
		"without an absolute end":  func(r *models.Session) { r.AbsoluteExpiresAt = 0 },
		"with another level":       func(r *models.Session) { r.Level++ },
		"with another origin":      func(r *models.Session) { r.Origin = tr.handle() },
		"with other flags":         func(r *models.Session) { r.Flags = models.FlagPending },
		"with another create time": func(r *models.Session) { r.CreatedAt++ },
	} {
		other := row
		change(&other)
		if tr.store.Sharded() && other.UserID != row.UserID {
			continue // the handle is of another home than the user
		}
		requireDuplicate(tr, tr.store.Insert(tr.Context(), &other), name)
		tr.requireStored(row, name)
	}
}

// insertOverTombstone: whatever the answer is, the session stays dead.
func insertOverTombstone(tr *trial) {
	row := tr.insert()
	tr.requireMatch(true, "revoke")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: models.RevokedByTheft, Now: during}))
	again := row
	if err := tr.store.Insert(tr.Context(), &again); err != nil {
		requireDuplicate(tr, err, "tombstone")
	}
	row.RevokedAt, row.RevokeReason = during, models.RevokedByTheft
	tr.requireStored(row)
}

func insertTellsNothing(tr *trial) {
	row := tr.insert()
	row.Payload, row.Data = []byte(`{"canary-payload":1}`), []byte(`{"canary-data":1}`)
	row.Lineage.Current = hashOf("canary-hash", "x")
	err := tr.store.Insert(tr.Context(), &row)
	requireDuplicate(tr, err, "same handle")

	for _, secret := range []string{"canary", hex.EncodeToString([]byte("canary"))} {
		require.NotContains(tr, strings.ToLower(err.Error()), secret)
	}
}

func insertRace(tr *trial) {
	for range tr.fewRounds() {
		handle := tr.handle()
		rows := make([]models.Session, racers)
		for i := range rows {
			rows[i] = tr.row(func(r *models.Session) { r.Handle, r.UserID = handle, "bob" })
		}
		winners := tr.race(racers, func(i int) (bool, error) {
			row := rows[i]
			err := tr.store.Insert(tr.Context(), &row)
			if errors.Is(err, errors.ErrDuplicate) {
				return false, nil
			}
			return err == nil, err
		})
		require.Len(tr, winners, 1, "winners")
		tr.requireStored(rows[winners[0]], "the row is the winner's")
	}
}

func insertAgain(tr *trial) {
	for _, change := range []func(*models.Session){
		func(*models.Session) {},
		func(r *models.Session) { r.Payload, r.Data = nil, nil },
		func(r *models.Session) { r.Lineage.Previous, r.AbsoluteExpiresAt = models.Hash{}, 0 },
	} {
		row := tr.insert(change)
		for range 2 {
			again := row
			require.NoError(tr, tr.store.Insert(tr.Context(), &again))
		}
		tr.requireStored(row)
	}
}

func insertExact(tr *trial) {
	const year2100 = 4_102_444_800_000
	for name, change := range map[string]func(*models.Session){
		"usual": func(*models.Session) {},
		"least": func(r *models.Session) {
			*r = models.Session{
				Handle: r.Handle, UserID: "u", CreatedAt: created, LastUsedAt: created, ExpiresAt: idleEnd,
				Lineage: models.Lineage{Current: tr.hash()},
			}
		},
		"year 2100": func(r *models.Session) {
			r.CreatedAt, r.LastUsedAt, r.Lineage.IssuedAt = year2100, year2100+1, year2100+2
			r.ExpiresAt, r.AbsoluteExpiresAt, r.RevokedAt = year2100+3, year2100+4, year2100+5
			r.Lineage.Generation, r.DataVersion = 1<<40, 1<<41
		},
		"authentication": func(r *models.Session) {
			r.AuthAt, r.IdleMillis, r.Level = year2100, year2100+1, models.MaxLevel
			r.AMR = strings.Repeat("hwk pop ", models.MaxAMR/8)
			r.Flags = 1<<30 | models.FlagPending // of a later version
			r.Origin = "\x01not one of ours\xff"
		},
		"device": func(r *models.Session) {
			r.UserAgent, r.IP = "B\u00f6ser \U0001f600 Agent'; -- \\ \" ", "2001:db8:1234:5678:9abc:def0:1234:5678"
		},
	} {
		row := tr.insert(change)
		tr.requireStored(row, name)
	}
}

func insertCopies(tr *trial) {
	want := tr.row()
	given := want
	given.Payload, given.Data = []byte(string(want.Payload)), []byte(string(want.Data))
	require.NoError(tr, tr.store.Insert(tr.Context(), &given))

	given.UserID, given.Payload[2], given.Data[2] = "mallory", 'X', 'X'
	tr.requireStored(want, "what was passed in is the caller's again")
	found := tr.find(want.Handle)
	found.UserID, found.Payload[2], found.Data[2] = "mallory", 'X', 'X'
	tr.requireStored(want, "what was returned is the caller's")
}

func findAbsent(tr *trial) {
	tr.insert()
	row, err := tr.store.Find(tr.Context(), tr.handle())
	require.NoError(tr, err)
	require.Nil(tr, row)
}

func findDead(tr *trial) {
	for _, end := range endings() {
		tr.requireStored(tr.insert(end.change), end.name)
	}
}

func checkContent(tr *trial) {
	row := tr.insert()
	require.NoError(tr, tr.store.Check(tr.Context()))
	require.NoError(tr, tr.store.Check(tr.Context()))
	tr.requireStored(row)
}
