package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
)

// walTimeout bounds how long Open waits for other processes that open the same
// new file.
const walTimeout = 15 * time.Second

// useWAL switches the file to write-ahead logging, by which readers and the
// writer pass each other; the file stays so.
//
// It is no pragma of the URI, as that would wait for its busy_timeout. When
// several processes switch a new file at once, each holds a lock that the
// others wait for: after the whole timeout all but one get SQLITE_BUSY. So
// nobody waits here. Whoever does not get the lock gives the connection back,
// and with it the lock of its own, and tries again a moment later.
func useWAL(pool *sql.DB, path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), walTimeout)
	defer cancel()
	for {
		mode, err := switchToWAL(ctx, pool)
		if err == nil && (mode == "wal" || path == Memory) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("write-ahead logging does not work there, the journal is %q", mode)
		}
		if e, ok := errors.AsType[*sqlite.Error](err); !ok || e.Code()&0xff != busy || !wait.Sleep(ctx, 2*time.Millisecond+wait.Below(28*time.Millisecond)) {
			return errors.WithReason(errors.ErrGeneral, fmt.Errorf("sqlite: open %s: %w", path, err))
		}
	}
}

// busy is SQLITE_BUSY, the low byte of its extended codes too.
const busy = 5

func switchToWAL(ctx context.Context, pool *sql.DB) (mode string, err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // back to the pool
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return "", err
	}
	err = conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
	_, restoreErr := conn.ExecContext(ctx, "PRAGMA busy_timeout = 5000")
	if err == nil {
		err = restoreErr
	}
	return strings.ToLower(mode), err
}
