package gormstore_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// failing returns an operation that fails with err as often as it is called,
// but for the first times.
func failing(err error, times int) (op func() error, calls *int) {
	calls = new(int)
	return func() error {
		*calls++
		if *calls > times {
			return nil
		}
		return err
	}, calls
}

// DB-02: what the database rolled back is repeated, and of what may have been
// carried out the insert only.
func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	deadlock := mysqlError(1213, "40001", "Deadlock")
	for name, row := range map[string]struct {
		err    error
		insert bool
		fails  int
		calls  int
		works  bool
	}{
		"a broken connection is not":                    {mysql.ErrInvalidConn, false, 1, 1, false},
		"a read-only server is not":                     {mysqlError(1290, "HY000", ""), false, 1, 1, false},
		"a duplicate is not":                            {mysqlError(1062, "23000", ""), true, 1, 1, false},
		"a deadline is not, of an insert either":        {context.DeadlineExceeded, true, 1, 1, false},
		"a broken connection is for an insert":          {mysql.ErrInvalidConn, true, 2, 3, true},
		"a deadlock is":                                 {deadlock, false, 7, 8, true},
		"a deadlock of an insert is":                    {deadlock, true, 7, 8, true},
		"a deadlock without an end is for 8 times":      {deadlock, false, 100, 8, false},
		"a broken connection for 8 times, as an insert": {mysql.ErrInvalidConn, true, 100, 8, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			op, calls := failing(row.err, row.fails)
			begin := time.Now()
			err := gormstore.Retry(t.Context(), row.insert, op)
			if row.works {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, row.err, name)
			}
			require.Equal(t, row.calls, *calls, name)
			// 5 + 10 + 20 + 40 + 80 + 160 + 160 at most, half of it at least.
			require.LessOrEqual(t, time.Since(begin), 475*time.Millisecond, name)
			if row.calls == 8 {
				require.GreaterOrEqual(t, time.Since(begin), 237*time.Millisecond, name)
			}
		})
	}
}

func TestNoRepetitionBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	deadlock := mysqlError(1213, "40001", "Deadlock")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		op, calls := failing(deadlock, 100)
		begin := time.Now()
		require.ErrorIs(t, gormstore.Retry(ctx, false, op), deadlock)
		require.LessOrEqual(t, time.Since(begin), 30*time.Millisecond)
		require.Less(t, *calls, 8)
	})
}

// Rivals that wait equally long meet again.
func TestWaitsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			op, _ := failing(mysqlError(1213, "40001", ""), 3)
			begin := time.Now()
			require.NoError(t, gormstore.Retry(t.Context(), false, op))
			seen[time.Since(begin)] = true
		})
	}
	require.Greater(t, len(seen), 5)
}
