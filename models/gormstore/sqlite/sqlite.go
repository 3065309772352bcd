// Package sqlite opens the embedded database: a file, no server, no cgo.
//
//	db, err := sqlite.Open("auth.db")
//	store, err := gormstore.New(db, gormstore.Config{})
//
// GORM's own dialector runs here on modernc.org/sqlite, SQLite translated to
// Go. Of the drivers that GORM can use it was the only one that needs no C
// compiler, that gives up both a lock wait and a running query when the context
// ends, and that is current: it bundles SQLite 3.54.1. All versions before
// 3.51.3 could corrupt a WAL file that several connections had open.
//
// GORM's dialector imports another driver beside it, which is compiled in,
// unused, where cgo is on; CGO_ENABLED=0 saves the time and the space.
//
// The package is apart from gormstore so that programs on MySQL or PostgreSQL
// link none of it. It cannot be linked together with
// github.com/glebarez/sqlite, since both register the driver name "sqlite".
package sqlite

import (
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Memory is, given to [Open], a database that lives as long as its pool.
const Memory = ":memory:"

// Open opens the database file, which it creates if need be, readable for its
// owner only: it holds the signing keys. Its folder must exist. Other processes
// may use the file at the same time. The caller closes the pool, db.DB().
//
// The pool has one connection, as SQLite has one writer anyway and its own
// queue for that is unfair: with eight connections the slowest of many writes
// took thirty times as long. Inside a db.Transaction use the transaction's
// *gorm.DB only: the outer one would wait for the connection without end.
//
// A path that is empty, or a URI, is [errors.ErrConfig].
func Open(path string) (*gorm.DB, error) {
	if path == "" || strings.HasPrefix(path, "file:") || strings.ContainsRune(path, 0) {
		return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("sqlite: %q is not the path of a file", path))
	}
	if path != Memory {
		if err := create(path); err != nil {
			return nil, errors.WithReason(errors.ErrGeneral, err)
		}
	}
	pool, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, errors.WithReason(errors.ErrGeneral, err)
	}
	pool.SetMaxOpenConns(1)
	pool.SetMaxIdleConns(1) // a memory database ends with its connection

	if err := useWAL(pool, path); err != nil {
		_ = pool.Close()
		return nil, err
	}
	db, err := gorm.Open(dialector{&gormsqlite.Dialector{Conn: pool}}, &gorm.Config{TranslateError: true})
	if err != nil {
		_ = pool.Close()
		return nil, errors.WithReason(errors.ErrGeneral, fmt.Errorf("sqlite: open %s: %w", path, err))
	}
	return db, nil
}

// create makes a new file with its permissions; the write-ahead log inherits
// them. An existing file is not even opened: closing it again would drop the
// locks that this process holds on it by other connections.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the application's path
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// dsn is path as a URI, with what every connection must set. An immediate
// transaction waits for the lock; a deferred one fails when it wants to write
// and another one was faster. FULL keeps what was acknowledged when the machine
// loses its power.
func dsn(path string) string {
	uri := "file:" + Memory
	if path != Memory {
		path = filepath.ToSlash(filepath.Clean(path))
		if filepath.VolumeName(path) != "" {
			path = "/" + path
		}
		uri = "file:" + (&url.URL{Path: path}).EscapedPath()
	}
	return uri + "?" + url.Values{
		"_pragma":      {"busy_timeout(5000)", "synchronous(FULL)"},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}.Encode()
}

// dialector is GORM's, whose translation of errors knows another driver.
type dialector struct{ *gormsqlite.Dialector }

// Translate implements [gorm.ErrorTranslator].
func (dialector) Translate(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() {
	case 1555, 2067: // primary key, unique
		return gorm.ErrDuplicatedKey
	case 787:
		return gorm.ErrForeignKeyViolated
	}
	return err
}
