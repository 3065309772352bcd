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
	db     *sql.DB
	gorm   *gorm.DB
	store  *gormstore.Store
	table  string
	layout layout
	// admin may read what the application's account may not, and change settings; nil
	// without such an account.
	admin   *sql.DB
	workers int
}

// openBed connects and makes the tables, which must not exist yet.
func openBed(ctx context.Context, s settings) (*bed, error) {
	b := &bed{workers: s.workers, layout: s.layout()}
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
	return b.beside(ctx, "scale_sessions", b.layout)
}

// beside is the same database with another table of sessions, which it makes.
func (b *bed) beside(ctx context.Context, table string, l layout) (*bed, error) {
	other := *b
	other.table, other.layout = table, l
	if err := b.drop(ctx, other.tables()); err != nil {
		return nil, err
	}
	var err error
	if other.store, err = gormstore.New(b.gorm, other.config()); err != nil {
		return nil, err
	}
	return &other, other.store.Migrate(ctx)
}

// config is that of the store.
func (b *bed) config() gormstore.Config {
	return gormstore.Config{Tables: b.tables(), Sharded: b.layout == byHome}
}

func (b *bed) tables() gormstore.Tables {
	return gormstore.Tables{Sessions: b.table, SigningKeys: b.table + "_keys", Meta: b.table + "_meta"}
}

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
