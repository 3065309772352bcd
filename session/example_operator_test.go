package session_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// The third sign-in is refused, and names the two sessions that there are.
func ExampleLimitConfig() {
	svc := exampleService(func(c *session.Config) {
		c.MaxSessions = session.LimitConfig{N: 2, Policy: session.RefuseNew}
	})
	defer svc.Close()
	ctx := context.Background()
	for _, browser := range []string{"laptop", "phone"} {
		_, err := svc.Create(ctx, "ada", session.WithDevice(browser, ""))
		fmt.Println(browser, err)
	}
	_, err := svc.Create(ctx, "ada", session.WithDevice("tablet", ""))
	limit, _ := errors.AsType[*errors.SessionLimitError](err)
	for _, open := range limit.Sessions {
		fmt.Println("open:", open.UserAgent)
	}

	// Ada chooses the phone. She is not signed in, so her password is asked for again.
	_, _ = svc.RevokeOf(ctx, "ada", limit.Sessions[1].Handle)
	_, err = svc.Create(ctx, "ada", session.WithDevice("tablet", ""))
	fmt.Println("tablet", err)
	// Output:
	// laptop <nil>
	// phone <nil>
	// open: laptop
	// open: phone
	// tablet <nil>
}

// What an operator ends is counted first.
func ExampleService_RevokeWhere() {
	clock := sessiontest.NewClock(time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC))
	svc := exampleService(func(c *session.Config) { c.Now = clock.Now })
	defer svc.Close()
	ctx := context.Background()
	for _, user := range []string{"ada", "bob", "cyd"} {
		_, _ = svc.Create(ctx, user)
		clock.Advance(time.Hour)
	}
	breach := session.Filter{CreatedBefore: time.Date(2026, time.January, 1, 13, 30, 0, 0, time.UTC)}
	counted, _ := svc.RevokeWhere(ctx, breach, session.DryRun())
	fmt.Println("would end", counted.Count)
	done, _ := svc.RevokeWhere(ctx, breach)
	fmt.Println("ended", done.Count)

	left, _ := svc.Sessions(ctx, session.Filter{All: true}, "", 20)
	for _, device := range left.Sessions {
		fmt.Println("left:", device.UserID)
	}
	_, err := svc.RevokeWhere(ctx, session.Filter{})
	fmt.Println(err)
	// Output:
	// would end 2
	// ended 2
	// left: cyd
	// sessionkit: general error: invalid input: Filter.All: the filter selects every session, which needs All: true
}
