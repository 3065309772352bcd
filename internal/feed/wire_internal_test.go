package feed

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func TestWire_roundTrip(t *testing.T) {
	t.Parallel()
	next := models.FeedPosition{At: 1_764_000_000_000, ID: models.HintID{0, 1, 2, 3, 4, 5, 6, 0xff}}
	for _, page := range []models.FeedPage{
		{Clock: 1},
		{Clock: math.MaxInt64, Hints: []models.Hint{
			{Kind: models.HintAll, At: 1},
			{ID: models.HintID{1}, Kind: models.HintSession, Subject: "a handle", Owner: "a \"user\" <é> \x01 \u2028", At: -5},
			{ID: models.HintID{2}, Kind: models.HintKey, Subject: "K1"},
			{ID: models.HintID{3}, Kind: "of a later version", Subject: strings.Repeat("\x01", models.MaxUserID), Owner: strings.Repeat("é", models.MaxUserID/2)},
		}, Next: &next},
	} {
		data, err := EncodePage(page)
		require.NoError(t, err)
		got, err := DecodePage(data)
		require.NoError(t, err)
		require.Equal(t, page, got)
	}
}

// The longest page fits into what is read of an answer.
func TestWire_bound(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("\x01", models.MaxUserID)
	page := models.FeedPage{Clock: math.MaxInt64, Next: &models.FeedPosition{At: math.MaxInt64, ID: models.HintID{1}}}
	for range 1000 {
		page.Hints = append(page.Hints, models.Hint{ID: models.HintID{1}, Kind: models.HintKind(strings.Repeat("k", 16)), Subject: longest, Owner: longest, At: math.MinInt64})
	}
	data, err := EncodePage(page)
	require.NoError(t, err)
	require.Less(t, len(data), MaxPageBytes)
}

func TestWire_refused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `x`, `[]`, `{}`, `{"clock":1}`, `{"clock":0,"hints":[]}`, `{"clock":-1,"hints":[]}`, `{"hints":[]}`, `{"clock":1,"hints":null}`,
		`{"clock":1,"hints":[{}]}`, `{"clock":1,"hints":[{"id":"00112233445566","kind":"all"}]}`, `{"clock":1,"hints":[{"id":"001122334455667z","kind":"all"}]}`,
		`{"clock":1,"hints":[{"id":"0011223344556677","kind":""}]}`, `{"clock":1,"next":"x","hints":[{"id":"0011223344556677","kind":"all"}]}`,
		`{"clock":1,"next":"5","hints":[]}`, `{"clock":1,"hints":[{"id":"0011223344556677","kind":"user","subject":"` + strings.Repeat("x", 256) + `"}]}`,
		`{"clock":1e400,"hints":[]}`, `{"clock":1,"hints":[]} {}`,
	} {
		_, err := DecodePage([]byte(text))
		require.Error(t, err, text)
	}
}

// Whatever is read is read again as the same.
func FuzzDecodePage(f *testing.F) {
	for _, seed := range []string{
		`{"clock":1,"hints":[]}`,
		`{"clock":1,"next":"5.0011223344556677","hints":[{"id":"0011223344556677","kind":"all","at":7}]}`,
		`{"clock":1,"hints":[{"id":"0011223344556677","kind":"user","subject":"\ud800","owner":"x","at":7}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		page, err := DecodePage(data)
		if err != nil {
			return
		}
		again, err := EncodePage(page)
		require.NoError(t, err)
		got, err := DecodePage(again)
		require.NoError(t, err)
		require.Equal(t, page, got)
	})
}
