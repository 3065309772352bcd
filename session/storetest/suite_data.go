package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func dataChecks() []check {
	return []check{
		{"WriteData writes to live sessions only", dataLive},
		{"WriteData refuses another version", dataVersion},
		{"WriteData loses no update among racers", dataRace},
		{"WriteData keeps every text exactly, and absent apart", dataExact},
		{"WriteData of the same data counts as a write", dataSame},
		{"WriteData leaves the session beside the data alone", dataAlone},
	}
}

func dataLive(tr *trial) {
	for _, end := range endings() {
		row := tr.insert(end.change)
		for _, version := range []*int64{new(row.DataVersion), nil} {
			tr.requireMatch(end.live, end.name)(tr.store.WriteData(tr.Context(), models.DataWrite{
				Handle: row.Handle, Data: []byte(`"new"`), IfVersion: version, Now: during,
			}))
			if end.live {
				row.Data, row.DataVersion = []byte(`"new"`), row.DataVersion+1
			}
			tr.requireStored(row, end.name)
		}
	}
	tr.requireMatch(false, "absent")(tr.store.WriteData(tr.Context(), models.DataWrite{
		Handle: tr.handle(), Data: []byte(`"new"`), Now: during,
	}))
}

func dataVersion(tr *trial) {
	row := tr.insert()
	for _, wrong := range []int64{row.DataVersion - 1, row.DataVersion + 1, 0, -1} {
		tr.requireMatch(false, "wrong version")(tr.store.WriteData(tr.Context(), models.DataWrite{
			Handle: row.Handle, Data: []byte(`"new"`), IfVersion: new(wrong), Now: during,
		}))
		tr.requireStored(row)
	}
	tr.requireMatch(true, "right version")(tr.store.WriteData(tr.Context(), models.DataWrite{
		Handle: row.Handle, Data: []byte(`"new"`), IfVersion: new(row.DataVersion), Now: during,
	}))
	row.Data, row.DataVersion = []byte(`"new"`), row.DataVersion+1
	tr.requireStored(row)

	fresh := tr.insert(func(r *models.Session) { r.DataVersion, r.Data = 0, nil })
	tr.requireMatch(true, "version 0 is a version")(tr.store.WriteData(tr.Context(), models.DataWrite{
		Handle: fresh.Handle, Data: []byte(`1`), IfVersion: new(int64(0)), Now: during,
	}))
}

func dataRace(tr *trial) {
	row := tr.insert()
	for range tr.fewRounds() {
		winners := tr.race(racers, func(i int) (bool, error) {
			return tr.store.WriteData(tr.Context(), models.DataWrite{
				Handle: row.Handle, Data: fmt.Append(nil, i), IfVersion: new(row.DataVersion), Now: during,
			})
		})
		require.Len(tr, winners, 1, "winners")
		row.Data, row.DataVersion = fmt.Append(nil, winners[0]), row.DataVersion+1
		tr.requireStored(row, "the data is the winner's")

		all := tr.race(racers, func(int) (bool, error) {
			return tr.store.WriteData(tr.Context(), models.DataWrite{
				Handle: row.Handle, Data: []byte(`1`), Now: during,
			})
		})
		require.Len(tr, all, racers, "without a version, everybody writes")
		row.Data, row.DataVersion = []byte(`1`), row.DataVersion+racers
		tr.requireStored(row, "and each write is counted")
	}
}

func dataExact(tr *trial) {
	written := tr.insert()
	for _, text := range jsonTexts() {
		inserted := tr.insert(func(r *models.Session) { r.Data = text })
		requireText(tr, text, tr.find(inserted.Handle).Data)

		tr.requireMatch(true, show(text))(tr.store.WriteData(tr.Context(), models.DataWrite{
			Handle: written.Handle, Data: text, Now: during,
		}))
		requireText(tr, text, tr.find(written.Handle).Data)
	}
}

func dataSame(tr *trial) {
	for _, text := range jsonTexts() {
		row := tr.insert(func(r *models.Session) { r.Data = text })
		for range 2 {
			tr.requireMatch(true, show(text))(tr.store.WriteData(tr.Context(), models.DataWrite{
				Handle: row.Handle, Data: text, IfVersion: new(row.DataVersion), Now: during,
			}))
			row.DataVersion++
			require.Equal(tr, row.DataVersion, tr.find(row.Handle).DataVersion, show(text))
		}
	}
}

func dataAlone(tr *trial) {
	row, bystander := tr.insert(), tr.insert()
	given := []byte(`{"a":1}`)
	tr.requireMatch(true, "write")(tr.store.WriteData(tr.Context(), models.DataWrite{
		Handle: row.Handle, Data: given, Now: during,
	}))
	given[2] = 'X' // the caller's again
	row.Data, row.DataVersion = []byte(`{"a":1}`), row.DataVersion+1
	tr.requireStored(row)
	tr.requireStored(bystander)
}
