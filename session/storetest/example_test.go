package storetest_test

import (
	"context"
	"fmt"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// The second call fails although the store has carried it out: the answer was lost.
func ExampleFaulty() {
	ctx := context.Background()
	store := storetest.Faulty(memstore.New(), storetest.Fault{Call: 2, Mode: storetest.ErrorAfter})

	for _, handle := range []string{"first", "second"} {
		err := store.Insert(ctx, &models.Session{Handle: handle, UserID: "alice", CreatedAt: 1, ExpiresAt: 1000})
		fmt.Println(handle, errors.Is(err, errors.ErrUnavailable))
	}
	row, _ := store.Find(ctx, "second")
	fmt.Println("stored all the same:", row != nil)
	// Output:
	// first false
	// second true
	// stored all the same: true
}

// forgetful reports that it has extended a session, and has not.
type forgetful struct{ session.Store }

func (forgetful) Extend(context.Context, models.Extend) (bool, error) { return true, nil }

// What would the suite say of a store that forgets?
func ExampleFailures() {
	open := func() session.Store { return forgetful{memstore.New()} }
	failures := storetest.Failures(context.Background(), open, storetest.Rounds(1))
	for _, check := range failures[:1] {
		fmt.Println(check)
	}
	// Output:
	// Extend refuses an unknown handle
}
