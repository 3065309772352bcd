package sqlite_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBad = driver.ErrBadConn

type item struct {
	ID   int64  `gorm:"primaryKey"`
	Name string `gorm:"unique"`
}

func open(t *testing.T, path string) *gorm.DB {
	t.Helper()
	db, err := sqlite.Open(path)
	require.NoError(t, err)
	db.Logger = logger.Discard
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db
}

func ask(t *testing.T, db *gorm.DB, query string) (answer string) {
	t.Helper()
	require.NoError(t, db.Raw(query).Scan(&answer).Error)
	return answer
}

func TestRefusedPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "file:auth.db", "file:auth.db?mode=memory", "a\x00b"} {
		_, err := sqlite.Open(path)
		require.ErrorIs(t, err, errors.ErrConfig, "%q", path)
	}
	for name, path := range map[string]string{
		"no such folder": filepath.Join(t.TempDir(), "none", "auth.db"),
		"a folder":       t.TempDir(),
	} {
		_, err := sqlite.Open(path)
		require.ErrorIs(t, err, errors.ErrGeneral, name)
	}
	path := filepath.Join(t.TempDir(), "auth.db")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600))
	_, err := sqlite.Open(path)
	require.ErrorIs(t, err, errors.ErrGeneral)
}

// A file name is a file name, whatever it would mean in a URI.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{
		"plain.db", "with space.db", "q?mode=memory", "a#b", "100%", "%41.db", "a%3Fb", "a&b=c", "a+b",
		"semi;colon", "co:lon", "quote'\"", "\u00fc\U0001f98a.db", "-dash", "?", "#", "cache=shared",
	} {
		path := filepath.Join(folder, name)
		db := open(t, path)
		require.NoError(t, db.AutoMigrate(&item{}), name)
		require.NoError(t, db.Create(&item{Name: name}).Error, name)
		info, err := os.Stat(path)
		require.NoError(t, err, name)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "%s: it holds keys", name)
		require.Equal(t, name, ask(t, open(t, path), "SELECT name FROM items"))
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "%s: the log holds them too", entry.Name())
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	db := open(t, "a?b.db")
	require.NoError(t, db.AutoMigrate(&item{}))
	require.FileExists(t, "a?b.db")
}

// An existing file keeps its permissions: they are the administrator's.
func TestExistingFileKeepsItsMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	require.NoError(t, os.WriteFile(path, nil, 0o640)) //nolint:gosec // on purpose
	require.NoError(t, os.Chmod(path, 0o640))          //nolint:gosec // on purpose
	require.NoError(t, open(t, path).AutoMigrate(&item{}))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

// SQLite before 3.51.3 could corrupt a WAL file with several connections, before
// 3.53.2 a crafted file the process.
func TestBundledVersion(t *testing.T) {
	t.Parallel()
	version := ask(t, open(t, sqlite.Memory), "SELECT sqlite_version()")
	number := 0
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		require.NoError(t, err, version)
		number = number*1000 + n
	}
	require.GreaterOrEqual(t, number, 3_053_002, version)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "auth.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "synchronous": "2"} {
		require.Equal(t, want, ask(t, db, "PRAGMA "+pragma), pragma)
	}
	pool, err := db.DB()
	require.NoError(t, err)
	require.Equal(t, 1, pool.Stats().MaxOpenConnections)

	// A connection that the pool makes later is set up like the first one.
	conn, err := pool.Conn(t.Context())
	require.NoError(t, err)
	require.Error(t, conn.Raw(func(any) error { return errBad }))
	require.ErrorIs(t, conn.Close(), sql.ErrConnDone)
	for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "synchronous": "2"} {
		require.Equal(t, want, ask(t, db, "PRAGMA "+pragma), pragma)
	}
}

func TestMemoryStays(t *testing.T) {
	t.Parallel()
	db, other := open(t, sqlite.Memory), open(t, sqlite.Memory)
	require.NoError(t, db.AutoMigrate(&item{}))
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() { db.Create(&item{Name: fmt.Sprint(i)}) })
	}
	group.Wait()
	require.Equal(t, "20", ask(t, db, "SELECT count(*) FROM items"))
	require.False(t, other.Migrator().HasTable(&item{}), "each Open is a database of its own")
}

func TestTranslatesErrors(t *testing.T) {
	t.Parallel()
	db := open(t, sqlite.Memory)
	require.NoError(t, db.AutoMigrate(&item{}))
	require.NoError(t, db.Create(&item{ID: 1, Name: "a"}).Error)
	require.ErrorIs(t, db.Create(&item{ID: 1, Name: "b"}).Error, gorm.ErrDuplicatedKey)
	require.ErrorIs(t, db.Create(&item{ID: 2, Name: "a"}).Error, gorm.ErrDuplicatedKey)
	require.NoError(t, db.Exec("PRAGMA foreign_keys = 1").Error)
	require.NoError(t, db.Exec("CREATE TABLE child (item INTEGER REFERENCES items (id))").Error)
	require.ErrorIs(t, db.Exec("INSERT INTO child VALUES (99)").Error, gorm.ErrForeignKeyViolated)
	err := db.Exec("nonsense").Error
	require.Error(t, err)
	require.NotErrorIs(t, err, gorm.ErrDuplicatedKey)
}

// GORM finds what its dialector can do behind ours.
func TestNestedTransaction(t *testing.T) {
	t.Parallel()
	db := open(t, sqlite.Memory)
	require.NoError(t, db.AutoMigrate(&item{}))
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Create(&item{Name: "kept"}).Error)
		require.Error(t, tx.Transaction(func(inner *gorm.DB) error {
			require.NoError(t, inner.Create(&item{Name: "undone"}).Error)
			return errBad
		}))
		return nil
	}))
	require.Equal(t, "kept", ask(t, db, "SELECT group_concat(name) FROM items"))
}

// The write of one pool is seen by the other at once, and nobody fails because
// somebody else writes.
func TestTwoPoolsOnOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	first, second := open(t, path), open(t, path)
	require.NoError(t, first.AutoMigrate(&item{}))
	errs := make([]error, 200)
	var group sync.WaitGroup
	for i := range errs {
		db := []*gorm.DB{first, second}[i%2]
		group.Go(func() { errs[i] = db.Create(&item{Name: fmt.Sprint(i)}).Error })
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, "200", ask(t, first, "SELECT count(*) FROM items"))
	require.Equal(t, "200", ask(t, second, "SELECT count(*) FROM items"))
}

func ExampleOpen() {
	db, err := sqlite.Open(sqlite.Memory) // or the path of a file
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := gormstore.New(db, gormstore.Config{})
	fmt.Println(store != nil, err)

	pool, _ := db.DB()
	fmt.Println(pool.Close())
	// Output:
	// true <nil>
	// <nil>
}
