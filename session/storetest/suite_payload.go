package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func payloadChecks() []check {
	return []check{
		{"WritePayload writes to live sessions only", payloadLive},
		{"WritePayload refuses another old payload", payloadOld},
		{"WritePayload lets one of the racers win", payloadRace},
		{"WritePayload keeps every text exactly, and absent apart", payloadExact},
		{"WritePayload leaves the session beside the payload alone", payloadAlone},
	}
}

func payloadLive(tr *trial) {
	for _, end := range endings() {
		row := tr.insert(end.change)
		tr.requireMatch(end.live, end.name)(tr.store.WritePayload(tr.Context(), models.PayloadWrite{
			Handle: row.Handle, Old: row.Payload, New: []byte(`"new"`), Now: during,
		}))
		if end.live {
			row.Payload = []byte(`"new"`)
		}
		tr.requireStored(row, end.name)
	}
	tr.requireMatch(false, "absent")(tr.store.WritePayload(tr.Context(), models.PayloadWrite{
		Handle: tr.handle(), New: []byte(`"new"`), Now: during,
	}))
}

// payloadOld tries each text against the one after it, and the pairs that are
// mixed up most.
func payloadOld(tr *trial) {
	pairs := [][2][]byte{
		{nil, []byte(`null`)},
		{[]byte(`null`), nil},
		{nil, []byte(`""`)},
		{[]byte(`""`), nil},
		{[]byte(`"a"`), []byte(`"A"`)},
		{[]byte(`"a"`), []byte(`"a" `)},
		{[]byte(`1000`), []byte(`1e3`)},
		{[]byte(`{"a":1}`), []byte(`{ "a":1}`)},
	}
	texts := jsonTexts()
	for i := range texts {
		pairs = append(pairs, [2][]byte{texts[i], texts[(i+1)%len(texts)]})
	}
	for _, pair := range pairs {
		row := tr.insert(func(r *models.Session) { r.Payload = pair[0] })
		tr.requireMatch(false, show(pair[0])+" is not "+show(pair[1]))(
			tr.store.WritePayload(tr.Context(), models.PayloadWrite{
				Handle: row.Handle, Old: pair[1], New: []byte(`"new"`), Now: during,
			}))
		requireText(tr, pair[0], tr.find(row.Handle).Payload)
	}
}

func payloadRace(tr *trial) {
	row := tr.insert()
	for round := range tr.fewRounds() {
		texts := make([][]byte, racers)
		for i := range texts {
			texts[i] = fmt.Appendf(nil, `{"round":%d,"racer":%d}`, round, i)
		}
		winners := tr.race(racers, func(i int) (bool, error) {
			return tr.store.WritePayload(tr.Context(), models.PayloadWrite{
				Handle: row.Handle, Old: row.Payload, New: texts[i], Now: during,
			})
		})
		require.Len(tr, winners, 1, "winners")
		row.Payload = texts[winners[0]]
		tr.requireStored(row, "the payload is the winner's")
	}
}

// payloadExact goes through all texts, absent to absent.
func payloadExact(tr *trial) {
	row := tr.insert(func(r *models.Session) { r.Payload = nil })
	var old []byte
	for _, text := range append(jsonTexts()[1:], nil) {
		inserted := tr.insert(func(r *models.Session) { r.Payload = text })
		requireText(tr, text, tr.find(inserted.Handle).Payload)

		tr.requireMatch(true, show(old)+" to "+show(text))(
			tr.store.WritePayload(tr.Context(), models.PayloadWrite{
				Handle: row.Handle, Old: old, New: text, Now: during,
			}))
		requireText(tr, text, tr.find(row.Handle).Payload)
		old = text
	}
}

func payloadAlone(tr *trial) {
	row, bystander := tr.insert(), tr.insert()
	given := []byte(`{"a":1}`)
	tr.requireMatch(true, "write")(tr.store.WritePayload(tr.Context(), models.PayloadWrite{
		Handle: row.Handle, Old: row.Payload, New: given, Now: during,
	}))
	given[2] = 'X' // the caller's again
	row.Payload = []byte(`{"a":1}`)
	tr.requireStored(row)
	tr.requireStored(bystander)
}
