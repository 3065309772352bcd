package gormstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// A store on an embedded database; the gorm.DB of a MySQL or PostgreSQL server does
// as well.
func Example() {
	folder, err := os.MkdirTemp("", "gormstore")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // an example
	db, err := sqlite.Open(filepath.Join(folder, "auth.db"))
	if err != nil {
		panic(err)
	}
	if pool, err := db.DB(); err == nil {
		defer func() { _ = pool.Close() }()
	}

	ctx := context.Background()
	store, err := gormstore.New(db, gormstore.Config{})
	fmt.Println(err)
	fmt.Println(store.Migrate(ctx)) // any number of processes may
	fmt.Println(store.Check(ctx))
	// Output:
	// <nil>
	// <nil>
	// <nil>
}

// The SQL, for teams whose program may not change tables.
func ExampleSchema() {
	text, err := gormstore.Schema("postgres", gormstore.Config{Tables: gormstore.Tables{Meta: "login_meta"}})
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(text, "\n")[:5] {
		fmt.Println(line)
	}
	// Output:
	// -- The version of the schema, and until when a cleanup is claimed: one row each.
	// CREATE TABLE IF NOT EXISTS "login_meta" (
	//   name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	//   value BIGINT NOT NULL
	// );
}

// All that is wrong is named at once.
func ExampleSchema_wrong() {
	_, err := gormstore.Schema("oracle", gormstore.Config{
		Tables: gormstore.Tables{Sessions: "auth", Meta: "AUTH"},
	})
	fmt.Println(err)
	// Output:
	// sessionkit: general error: invalid configuration: Tables.Meta: is the table of Tables.Sessions too
	// dialect: "oracle" is none of mysql, postgres, sqlite
}
