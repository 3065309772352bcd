package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// patient is a MariaDB of the test's own, which it may set as it likes, and a service
// on it whose user has the rights that the kit needs and no more.
type patient struct {
	t     *testing.T
	dir   string
	admin *sql.DB
	dsn   string
	svc   *session.Service
}

// patientRights are all that the kit needs once its tables are there.
var patientRights = map[string][]string{
	"auth_sessions":     {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"auth_signing_keys": {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"auth_meta":         {"SELECT", "UPDATE"},
	"auth_feed":         {"SELECT", "INSERT", "DELETE"},
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	parent, err := os.MkdirTemp("", "kit-doctor") //nolint:usetesting // the server's account must get there
	require.NoError(t, err)
	require.NoError(t, os.Chmod(parent, 0o755)) //nolint:gosec // as above
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	p := &patient{t: t, dir: filepath.Join(parent, "db")}
	cmd := exec.CommandContext(t.Context(), "../scripts/mariadb.sh", "start", "--dir", p.dir, "--owner", fmt.Sprint(os.Getpid())) //nolint:gosec // our own arguments
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Run())
	t.Cleanup(p.stop)
	line, err := os.ReadFile(filepath.Join(p.dir, "admin-dsn"))
	require.NoError(t, err)
	admin, err := driver.ParseDSN(strings.TrimSpace(string(line)))
	require.NoError(t, err)
	admin.DBName = "app"
	p.admin, err = sql.Open("mysql", admin.FormatDSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.admin.Close() })
	require.NoError(t, p.store(admin.FormatDSN()).Migrate(t.Context()))

	p.exec("CREATE USER poor@'%' IDENTIFIED BY 'pw'")
	p.exec("GRANT REPLICA MONITOR ON *.* TO poor@'%'")
	for table, verbs := range patientRights {
		p.exec("GRANT " + strings.Join(verbs, ", ") + " ON app." + table + " TO poor@'%'")
	}
	poor := admin.Clone()
	poor.User, poor.Passwd = "poor", "pw"
	p.dsn = poor.FormatDSN()
	p.svc = p.service(p.dsn)
	return p
}

// stop ends the server. It may have ended.
func (p *patient) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = exec.CommandContext(ctx, "../scripts/mariadb.sh", "stop", "--dir", p.dir).Run() //nolint:gosec // our own arguments
}

func (p *patient) exec(text string) {
	p.t.Helper()
	_, err := p.admin.ExecContext(p.t.Context(), text)
	require.NoError(p.t, err, text)
}

func (p *patient) store(dsn string) *gormstore.Store {
	p.t.Helper()
	db, err := gorm.Open(mysql.Open(dsn), &gorm.Config{Logger: logger.Discard})
	require.NoError(p.t, err)
	pool, err := db.DB()
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = pool.Close() })
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(p.t, err)
	return store
}

func (p *patient) service(dsn string) *session.Service {
	p.t.Helper()
	svc, err := session.New(p.t.Context(), p.store(dsn), session.Config{
		Revocation: session.RevokeSoon, Logger: slog.New(slog.DiscardHandler),
		SigningKey: session.SigningKeyConfig{Encryption: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}},
	})
	require.NoError(p.t, err)
	p.t.Cleanup(svc.Close)
	return svc
}

// finds demands that Doctor says just this, one line for each finding, whatever more
// is in them.
func (p *patient) finds(svc *session.Service, want ...string) {
	p.t.Helper()
	list := svc.Doctor(p.t.Context(), "https://app.example")
	var got []string
	for _, f := range list {
		got = append(got, fmt.Sprintf("%s %s: %s", f.Severity, f.About, f.Problem))
		require.NotEmpty(p.t, f.Remedy)
	}
	require.Len(p.t, got, len(want), "%q", got)
	for i, text := range want {
		require.Contains(p.t, got[i], text)
	}
}

// Each broken set-up is found by name on a real server, and nothing else is.
func TestDoctor_brokenSetUps(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.finds(p.svc)

	for table, verbs := range patientRights {
		for _, verb := range verbs[1:] {
			p.exec("REVOKE " + verb + " ON app." + table + " FROM poor@'%'")
			p.finds(p.svc, "error rights: "+verb+" on table "+table+" fails")
			p.exec("GRANT " + verb + " ON app." + table + " TO poor@'%'")
		}
	}
	p.finds(p.svc)

	p.exec("CHANGE MASTER TO MASTER_HOST = '192.0.2.1', MASTER_USER = 'x'")
	p.finds(p.svc, "warning replica: the server is itself a replica")
	p.exec("RESET SLAVE ALL")

	p.exec("SET GLOBAL read_only = 1")
	found := p.svc.Doctor(t.Context())
	require.Len(t, found, 10, "nine rights, and why")
	require.Contains(t, fmt.Sprint(found), "the server is read-only (read_only")
	p.exec("SET GLOBAL read_only = 0")

	p.exec("SET GLOBAL max_prepared_stmt_count = 0") // the driver's own are refused too
	require.Contains(t, fmt.Sprint(p.svc.Doctor(t.Context())), "the server has 0 of at most 0 (max_prepared_stmt_count)")
	p.exec("SET GLOBAL max_prepared_stmt_count = 16382")
	p.finds(p.svc, "warning prepared statements: 5 of 5 were refused lately")
	p.svc = p.service(p.dsn)

	p.exec("INSERT INTO auth_signing_keys SELECT 'COPIEDKEY123', purpose, slot + 1, algorithm, secret, created_at, active_from, retire_at" +
		" FROM auth_signing_keys WHERE purpose = 'refresh'")
	p.finds(p.service(p.dsn), `error keys: signing key "COPIEDKEY123" for refresh tokens is of no use here`)
	p.exec("DELETE FROM auth_signing_keys WHERE id = 'COPIEDKEY123'")

	for _, minutes := range []int{-10, 10} {
		at := time.Now().Add(time.Duration(minutes) * time.Minute).Unix()
		p.finds(p.service(p.dsn+fmt.Sprintf("?timestamp=%d", at)), "error clock: the clocks of this machine and of the database are")
	}

	p.exec("ALTER TABLE auth_sessions DROP COLUMN label")
	p.finds(p.svc, "error schema: ")
	p.exec("ALTER TABLE auth_sessions ADD COLUMN label VARCHAR(64) NOT NULL DEFAULT ''")

	p.stop()
	require.Eventually(t, func() bool { return p.svc.RevocationLag() > 3*time.Second }, time.Minute, 50*time.Millisecond)
	p.finds(p.svc, "error database: it cannot be asked", "error keys: the rows", "error feed: this process has heard of no revocation for")
}
