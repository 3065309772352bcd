package main

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// bed is the database that is measured on.
type bed struct {
	db    *sql.DB
	gorm  *gorm.DB
	store *gormstore.Store
	table string
	// admin may read what the application's account may not, and change settings; nil
	// without such an account.
	admin   *sql.DB
	workers int
}

// openBed connects and makes the tables, which must not exist yet.
func openBed(ctx context.Context, s settings) (*bed, error) {
	b := &bed{workers: s.workers}
	var err error
	if b.db, err = openPool(s.dsn, s.params, 2*s.workers); err != nil {
		return nil, err
	}
	if s.adminDSN != "" {
		if b.admin, err = openPool(s.adminDSN, "", 2); err != nil {
			return nil, err
		}
	}
	b.gorm, err = gorm.Open(gormmysql.New(gormmysql.Config{Conn: b.db}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, err
	}
	b.table = "scale_sessions"
	b.store, err = b.newStore(ctx, b.table)
	return b, err
}

// newStore makes an empty table of sessions, and those beside it.
func (b *bed) newStore(ctx context.Context, table string) (*gormstore.Store, error) {
	tables := tablesOf(table)
	if err := b.drop(ctx, tables); err != nil {
		return nil, err
	}
	store, err := gormstore.New(b.gorm, gormstore.Config{Tables: tables})
	if err != nil {
		return nil, err
	}
	return store, store.Migrate(ctx)
}

func tablesOf(sessions string) gormstore.Tables {
	return gormstore.Tables{Sessions: sessions, SigningKeys: sessions + "_keys", Meta: sessions + "_meta"}
}

func (b *bed) tables() gormstore.Tables { return tablesOf(b.table) }

// drop removes the tables, which an earlier run may have left.
func (b *bed) drop(ctx context.Context, t gormstore.Tables) error {
	_, err := b.db.ExecContext(ctx, "DROP TABLE IF EXISTS "+t.Sessions+", "+t.SigningKeys+", "+t.Meta)
	return err
}

func (b *bed) close() {
	for _, pool := range []*sql.DB{b.db, b.admin} {
		if pool != nil {
			_ = pool.Close()
		}
	}
}

// openPool opens a pool of size connections. No error repeats the DSN, which
// holds a password.
func openPool(dsn, params string, size int) (*sql.DB, error) {
	if params != "" {
		dsn += "?" + params
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

// service starts a service whose clock is ahead of the machine's. change, unless nil,
// has the last word on the configuration.
func service(ctx context.Context, store session.Store, ahead time.Duration, change func(*session.Config)) (*session.Service, error) {
	cfg := session.Config{
		IPAddresses: session.IPFull,
		Cleanup:     session.CleanupConfig{Every: session.Off},
		Logger:      slog.New(slog.DiscardHandler),
		Now:         func() time.Time { return time.Now().Add(ahead) },
	}
	if change != nil {
		change(&cfg)
	}
	return session.New(ctx, store, cfg)
}
