// Command instance is one instance of the rig's application, as a process of its own:
//
//	instance mysql|postgres DSN ADDRESS
//
// It migrates, says "ready", and ends after the requests under way when its standard
// input does. TestRollingUpgrade builds it from this version and, with this very file,
// from an older one.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(engine, dsn, address string) error {
	ctx := context.Background()
	dialector := mysql.Open(dsn)
	if engine == "postgres" {
		dialector = postgres.Open(dsn)
	}
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return err
	}
	store, err := gormstore.New(db, gormstore.Config{})
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // lives as long as the process
	if err != nil {
		return err
	}
	app, err := rig.Start(ctx, store, rig.AppConfig{Listener: listener, Session: session.Config{
		// Short, so that many refreshes and promotions happen.
		AccessTokenValidity: 2 * time.Second, RefreshTokenValidity: time.Hour, Leeway: session.Off,
		InsecureShortLifetimes: true,
	}})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	app.Close()
	return nil
}
