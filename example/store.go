package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// openStore opens the database and brings its tables up to date. The caller
// calls closeStore when nothing uses the store any more.
func openStore(ctx context.Context, opts options, log *slog.Logger) (store *gormstore.Store, closeStore func() error, err error) {
	db, remove, err := openDB(opts, log) //nolint:contextcheck // GORM opens without one
	if err != nil {
		return nil, nil, err
	}
	closeStore = func() error { return errors.Join(closeDB(db), remove()) }

	store, err = gormstore.New(db, gormstore.Config{})
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeStore())
	}
	return store, closeStore, nil
}

// openDB opens MySQL, the SQLite file that was asked for, or one that remove
// takes away again.
func openDB(opts options, log *slog.Logger) (db *gorm.DB, remove func() error, err error) {
	remove = func() error { return nil }
	if opts.dsn != "" {
		// GORM's own logger would write to standard output.
		db, err = gorm.Open(mysql.Open(opts.dsn), &gorm.Config{Logger: logger.Discard})
		if err != nil {
			return nil, nil, fmt.Errorf("-dsn: %w", err)
		}
		log.Info("sessions are kept in MySQL")
		return db, remove, nil
	}

	path := opts.sqlite
	if path == "" {
		dir, err := os.MkdirTemp("", "sessionkit-example-")
		if err != nil {
			return nil, nil, err
		}
		path = filepath.Join(dir, "sessions.db")
		remove = func() error { return os.RemoveAll(dir) }
	}
	db, err = sqlite.Open(path)
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	db.Logger = logger.Discard
	log.Info("sessions are kept in SQLite", "file", path, "kept", opts.sqlite != "")
	return db, remove, nil
}

func closeDB(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}
