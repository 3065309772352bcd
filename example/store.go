package main

import (
	"context"
	"fmt"
	"log/slog"

	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// openStore opens what the options ask for, and brings tables up to date. The
// caller calls closeStore when nothing uses the store any more.
func openStore(
	ctx context.Context, opts options, log *slog.Logger,
) (store session.Store, closeStore func() error, err error) {
	var db *gorm.DB
	switch {
	case opts.dsn != "":
		// GORM's own logger would write to standard output.
		db, err = gorm.Open(mysql.Open(opts.dsn), &gorm.Config{Logger: logger.Discard})
		if err != nil {
			return nil, nil, fmt.Errorf("-dsn: %w", err)
		}
		log.Info("sessions are kept in MySQL")
	case opts.sqlite != "":
		db, err = openSQLite(opts.sqlite) //nolint:contextcheck // GORM opens without one
		if err != nil {
			return nil, nil, fmt.Errorf("-sqlite: %w", err)
		}
		log.Info("sessions are kept in SQLite", "file", opts.sqlite)
	default:
		log.Info("sessions are kept in memory: they end with the program")
		return memstore.New(), func() error { return nil }, nil
	}

	tables, err := gormstore.New(db, gormstore.Config{})
	if err == nil {
		err = tables.Migrate(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeDB(db))
	}
	return tables, func() error { return closeDB(db) }, nil
}

func closeDB(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}
