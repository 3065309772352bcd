package gormstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// asChild makes the test binary a process that migrates the databases named on
// its standard input, as "engine target" lines, and answers each with a line.
const asChild = "GORMSTORE_TEST_CHILD"

func migrateAsChild() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		engine, target, _ := strings.Cut(lines.Text(), " ")
		answer := "ok"
		if err := migrateTarget(engine, target); err != nil {
			answer = strconv.Quote(err.Error())
		}
		fmt.Println(answer)
	}
}

func migrateTarget(engine, target string) error {
	db, err := openTarget(engine, target)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := gormstore.New(db, gormstore.Config{})
	if err != nil {
		return err
	}
	if err := store.Migrate(context.Background()); err != nil {
		return err
	}
	return store.Check(context.Background())
}

func openTarget(engine, target string) (*gorm.DB, error) {
	quiet := &gorm.Config{Logger: logger.Discard}
	switch engine {
	case "mysql":
		return gorm.Open(mysql.Open(target), quiet)
	case "postgres":
		config, err := pgx.ParseConfig(os.Getenv(testdb.EnvPostgres))
		if err != nil {
			return nil, err
		}
		config.Database = target
		return gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDB(*config)}), quiet)
	default:
		return sqlite.Open(target)
	}
}

// children are processes that migrate the same database at the same moment.
type children struct {
	stdin  []io.WriteCloser
	stdout []*bufio.Scanner
}

func startChildren(t *testing.T, n int) *children {
	t.Helper()
	family := &children{}
	for range n {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]) //nolint:gosec // this very program
		cmd.Env = append(os.Environ(), asChild+"=1", "GORACE=atexit_sleep_ms=0")
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = stdin.Close()
			assert.NoError(t, cmd.Wait())
		})
		family.stdin = append(family.stdin, stdin)
		family.stdout = append(family.stdout, bufio.NewScanner(stdout))
	}
	return family
}

// migrate has all of them migrate the target.
func (c *children) migrate(t *testing.T, engine, target string) {
	t.Helper()
	for _, stdin := range c.stdin {
		_, err := io.WriteString(stdin, engine+" "+target+"\n")
		require.NoError(t, err)
	}
	for i, stdout := range c.stdout {
		require.True(t, stdout.Scan(), "process %d has ended", i)
		require.Equal(t, "ok", stdout.Text(), "process %d", i)
	}
}
