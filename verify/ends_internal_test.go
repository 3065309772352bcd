package verify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Of two questions at once the older may be answered last: it does not count.
func TestMemo_note(t *testing.T) {
	t.Parallel()
	m := &memo{}
	old, next := &answer{at: time.Second, access: &token.Access{}}, &answer{at: 2 * time.Second}
	m.note(next)
	m.note(old)
	require.Same(t, next, m.newest.Load())
	again := &answer{at: 3 * time.Second}
	m.note(again)
	require.Same(t, again, m.newest.Load())
	(*memo)(nil).note(old) // a token that is not kept
}

// A fetch that began before the hint was heard says nothing about the key, and one that
// still has the key neither.
func TestRetired_answered(t *testing.T) {
	t.Parallel()
	heard := time.Now()
	for _, row := range []struct {
		began time.Time
		keys  map[string]token.Key
		left  int
	}{
		{heard.Add(-time.Second), nil, 1},
		{heard.Add(time.Second), map[string]token.Key{"k": {}}, 1},
		{heard.Add(time.Second), map[string]token.Key{"other": {}}, 0},
		{heard, nil, 0},
	} {
		r := retired{heard: map[string]time.Time{"k": heard}}
		r.answered(row.began, row.keys)
		require.Len(t, r.heard, row.left)
	}
	r := retired{heard: map[string]time.Time{"k": heard}}
	require.True(t, r.due(heard), "the first waits for none")
	r.asked = heard
	require.False(t, r.due(heard.Add(4*time.Second)))
	require.True(t, r.due(heard.Add(5*time.Second)))
	require.False(t, r.due(heard.Add(2*time.Minute)), "it is left to the fetches that are made anyway")
}
