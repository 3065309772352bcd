//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The environment of a child: what it is to do, with which database, where to
// serve, and when to die.
const (
	childEnv    = "SESSIONKIT_TEST_CHILD"        // serve or cold
	childEngine = "SESSIONKIT_TEST_CHILD_ENGINE" // sqlite, postgres; else MariaDB
	childDSN    = "SESSIONKIT_TEST_CHILD_DSN"    // of sqlite the file
	childDB     = "SESSIONKIT_TEST_CHILD_DB"     // of postgres the database
	childAddr   = "SESSIONKIT_TEST_CHILD_ADDR"
	childDie    = "SESSIONKIT_TEST_CHILD_DIE" // point:number
)

// child is the main function of a process of its own.
func child() {
	store, err := childStore()
	if err == nil && os.Getenv(childEnv) == "cold" {
		err = coldStart(store)
	} else if err == nil {
		err = serve(store)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func childStore() (*gormstore.Store, error) {
	db, err := childOpen(os.Getenv(childDSN))
	if err != nil {
		return nil, err
	}
	return gormstore.New(db, gormstore.Config{})
}

func childOpen(dsn string) (*gorm.DB, error) {
	quiet := &gorm.Config{Logger: logger.Discard}
	switch os.Getenv(childEngine) {
	case "sqlite":
		return sqlite.Open(dsn)
	case "postgres":
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		config.Database = os.Getenv(childDB)
		return gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDB(*config)}), quiet)
	}
	return gorm.Open(mysql.New(mysql.Config{DSN: dsn, SkipInitializeWithVersion: true}), quiet)
}

// coldStart does what every instance does first, and tells which key it signs with.
func coldStart(store *gormstore.Store) error {
	ctx := context.Background()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	svc, err := session.New(ctx, store, config())
	if err != nil {
		return err
	}
	defer svc.Close()
	tokens, err := svc.Create(ctx, "user")
	if err != nil {
		return err
	}
	if tokens, err = svc.Refresh(ctx, tokens.Refresh.Value); err != nil {
		return err
	}
	header, _, _ := strings.Cut(tokens.Access.Value, ".")
	fmt.Println("KEY", header)
	return nil
}

// serve is an instance that kills itself at its failpoint.
func serve(store *gormstore.Store) error {
	listener, err := net.Listen("tcp", os.Getenv(childAddr)) //nolint:noctx // lives as long as the process
	if err != nil {
		return err
	}
	point, at := failpoint()
	var passed atomic.Int64
	die := func(here string) {
		if here == point && passed.Add(1) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
	dying := &rig.Hooked{Store: store, Hook: func(_ string, after bool) {
		if after {
			die("after")
		} else {
			die("before")
		}
	}}
	cfg := rig.AppConfig{Session: childConfig(), Listener: listener, Routes: func(router *gin.Engine, _ *rig.App) {
		router.Use(func(c *gin.Context) {
			c.Next()
			if len(c.Writer.Header()["Set-Cookie"]) > 0 {
				c.Writer.Flush()
				die("headers")
			}
		})
	}}
	_, err = rig.Start(context.Background(), dying, cfg)
	if err != nil {
		return err
	}
	select {}
}

func failpoint() (point string, at int64) {
	point, number, _ := strings.Cut(os.Getenv(childDie), ":")
	_, _ = fmt.Sscan(number, &at)
	return point, at
}

func childConfig() session.Config {
	cfg := config()
	cfg.AccessTokenValidity = 2e9 // refreshes are what should be hit
	return cfg
}
