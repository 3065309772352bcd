package session_test

import (
	"context"
	"fmt"
	"log/slog"

	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A session that was ended is refused within two seconds by every process, and at once
// by the one that ended it. Verifying others runs no SQL.
func ExampleConfig_revokeSoon() {
	svc := exampleService(func(c *session.Config) { c.Revocation = session.RevokeSoon })
	defer svc.Close()
	ctx := context.Background()
	tokens, _ := svc.Create(ctx, "ada")

	_, _, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF)
	fmt.Println("signed in:", err == nil)
	_, _ = svc.RevokeAll(ctx, "ada")
	_, _, err = svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF)
	fmt.Println("then:", err)
	// Output:
	// signed in: true
	// then: sessionkit: unauthorised: session revoked
}

// A WebSocket's handler waits for messages and for the end of the session.
func ExampleSession_Watch() {
	svc := exampleService(func(c *session.Config) { c.Revocation = session.RevokeSoon })
	defer svc.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // when the socket closes
	tokens, _ := svc.Create(ctx, "ada")

	ended, err := tokens.Session.Watch(ctx)
	if err != nil {
		panic(err)
	}
	_, _ = svc.RevokeAll(ctx, "ada") // elsewhere, in any process
	if end, ok := <-ended; ok {
		fmt.Println("hang up:", end.Reason)
	}
	// Output: hang up: revoke-all
}

// A new password and the end of the user's other sessions are committed together.
func ExampleService_Batch() {
	ctx := context.Background()
	db, err := sqlite.Open(sqlite.Memory)
	if err != nil {
		panic(err)
	}
	if pool, err := db.DB(); err == nil {
		defer pool.Close()
	}
	store, _ := gormstore.New(db, gormstore.Config{})
	_ = store.Migrate(ctx)
	svc, err := session.New(ctx, store, session.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer svc.Close()
	here, _ := svc.Create(ctx, "ada")
	_, _ = svc.Create(ctx, "ada") // a forgotten one

	batch := svc.Batch()
	err = db.Transaction(func(tx *gorm.DB) error {
		// … UPDATE users SET password = …
		n, err := batch.RevokeOthers(ctx, store.In(tx), "ada", here.Session.Handle())
		fmt.Println("others:", n)
		return err
	})
	err = batch.Done(ctx, err)
	left, _ := svc.List(ctx, "ada")
	fmt.Println(err, len(left))
	// Output:
	// others: 1
	// <nil> 1
}
