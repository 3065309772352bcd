package session

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// listener is what the other processes would hear.
type listener struct {
	heard []string
	at    int64
	err   error
}

func (l *listener) announcement(filter Filter) *announcement {
	sel := &selection{Filter: filter, users: filter.Users, everything: filter.All}
	return &announcement{
		sel: sel, everybody: sel.everything, now: func() int64 { return l.at },
		tell: func(_ context.Context, hints ...models.Hint) error {
			for _, h := range hints {
				l.heard = append(l.heard, string(h.Kind)+" "+h.Subject+" "+h.Owner)
			}
			return l.err
		},
	}
}

// rowsOf are the handles from to to, of one user.
func rowsOf(user string, from, to int) (rows []models.Session) {
	for i := from; i < to; i++ {
		rows = append(rows, models.Session{Handle: fmt.Sprint("h", i), UserID: user})
	}
	return rows
}

func TestAnnouncement(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var l listener
	few := l.announcement(Filter{})
	few.before(ctx, rowsOf("ada", 0, 2))
	few.before(ctx, rowsOf("bob", 2, 3))
	require.NoError(t, few.again(ctx))
	once := []string{"session h0 ada", "session h1 ada", "session h2 bob"}
	require.Equal(t, append(once, once...), l.heard)

	l = listener{at: 1}
	many := l.announcement(Filter{})
	many.before(ctx, rowsOf("ada", 0, maxHints))
	require.Len(t, l.heard, maxHints)
	l.heard = nil
	for range 4 { // at 1, 14,001, 28,001 and 42,001 ms
		many.before(ctx, rowsOf("ada", 0, 1))
		l.at += 14_000
	}
	require.Equal(t, []string{"all  ", "all  "}, l.heard, "it is renewed after 30 s")
	require.NoError(t, many.again(ctx))
	require.Equal(t, []string{"all  ", "all  ", "all  "}, l.heard)

	l = listener{}
	users := l.announcement(Filter{Users: []string{"ada", "bob", "eve"}})
	users.before(ctx, append(rowsOf("ada", 0, 2), rowsOf("bob", 2, 4)...))
	users.before(ctx, rowsOf("bob", 4, 9))
	require.Equal(t, []string{"user ada ", "user bob "}, l.heard)
	require.NoError(t, users.again(ctx))
	require.Equal(t, []string{"user ada ", "user bob ", "user ada ", "user bob ", "user eve "}, l.heard, "it may repeat a call that could not tell")

	l = listener{}
	nothing := l.announcement(Filter{})
	require.NoError(t, nothing.again(ctx))
	require.Empty(t, l.heard)

	l = listener{err: errors.ErrUnavailable}
	all := l.announcement(Filter{All: true})
	all.before(ctx, rowsOf("ada", 0, 2))
	require.ErrorIs(t, all.again(ctx), errors.ErrUnavailable)
	require.Equal(t, []string{"all  ", "all  "}, l.heard)
}
