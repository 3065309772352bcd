package claim_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// newService is a Service as applications have it, but for its store and clock.
func newService(now func() time.Time) *session.Service {
	return must(session.New(context.Background(), memstore.New(), session.Config{
		Now: now, Logger: slog.New(slog.DiscardHandler),
	}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A route for readers, and one for administrators. Who may not pass stays signed in.
func Example() {
	svc := newService(time.Now)
	defer svc.Close()
	role := must(claim.NewSingle(claim.Config[string]{ID: "role"}))

	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "welcome") })
	mux := http.NewServeMux()
	mux.Handle("/books", svc.Protect(page, session.WithClaims(role.HasValue("reader"))))
	mux.Handle("/admin", svc.Protect(page, session.WithClaims(role.HasValue("admin"))))

	tokens := must(svc.Create(context.Background(), "ada", role.AtCreation("reader")))
	for _, path := range []string{"/books", "/admin"} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+tokens.Access.Value)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(path, w.Code, w.Body)
	}
	// Output:
	// /books 200 welcome
	// /admin 403 {"claimValidationErrors":[{"id":"role","reason":{"message":"wrong value","expectedValue":"admin","actualValue":"reader"}}],"message":"invalid claim"}
}

// The roles are in the first access token already, so the first request asks nobody.
func ExampleClaim_FetchAtCreation() {
	svc := newService(time.Now)
	defer svc.Close()
	ctx := context.Background()
	roles := must(claim.NewArray(claim.Config[[]string]{
		ID: "roles",
		Fetch: func(_ context.Context, userID string) ([]string, bool, error) {
			fmt.Println("looking up the roles of", userID)
			return []string{"reader", "writer"}, true, nil
		},
	}))

	tokens := must(svc.Create(ctx, "ada", roles.FetchAtCreation()))
	sess, _, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF,
		session.WithClaims(roles.IncludesAny("writer", "admin")))
	fmt.Println(err)
	fmt.Println(roles.Value(sess))
	// Output:
	// looking up the roles of ada
	// <nil>
	// [reader writer] true
}

// A route where a minute is too long for who was demoted.
func ExampleValidator_MaxAge() {
	clock := sessiontest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	svc := newService(clock.Now)
	defer svc.Close()
	ctx := context.Background()
	current := "admin"
	role := must(claim.NewSingle(claim.Config[string]{
		ID:    "role",
		Fetch: func(context.Context, string) (string, bool, error) { return current, true, nil },
	}))

	tokens := must(svc.Create(ctx, "ada", role.FetchAtCreation()))
	current = "reader"
	clock.Advance(time.Minute)
	for _, v := range []claim.Validator{
		role.HasValue("admin"), // five minutes, by default
		role.HasValue("admin").MaxAge(30 * time.Second),
	} {
		_, replacement, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF, session.WithClaims(v))
		fmt.Println(replacement != nil, err)
	}
	// Output:
	// false <nil>
	// true sessionkit: invalid claim
}

// A claim that an event changes, not a look-up: Set it where that happens.
func ExampleClaim_Set() {
	svc := newService(time.Now)
	defer svc.Close()
	ctx := context.Background()
	verified := must(claim.NewSingle(claim.Config[bool]{ID: "email-verified"}))
	demand := session.WithClaims(verified.HasValue(true))

	tokens := must(svc.Create(ctx, "ada"))
	_, _, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF, demand)
	if failed, ok := errors.AsType[*errors.ClaimError](err); ok {
		fmt.Println(failed.Failures[0].ID, failed.Failures[0].Reason.(claim.Reason).Message)
	}

	// The handler behind the link in the mail; over HTTP the answer has the new token.
	access := must(verified.Set(ctx, tokens.Session, true))
	_, _, err = svc.Verify(ctx, access.Value, tokens.AntiCSRF, demand)
	fmt.Println(err)
	// Output:
	// email-verified value does not exist
	// <nil>
}

// recentSignIn demands a sign-in at most that long ago.
type recentSignIn time.Duration

func (recentSignIn) ID() string { return "recent-sign-in" }

func (d recentSignIn) Check(_ context.Context, v session.View) (reason any, err error) {
	if v.Now.Sub(v.CreatedAt) > time.Duration(d) {
		return "sign in again", nil
	}
	return nil, nil
}

// A validator of the application's own, which is no claim: whoever changes the password
// has signed in of late.
func Example_ownValidator() {
	clock := sessiontest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	svc := newService(clock.Now)
	defer svc.Close()
	change := svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "changed")
	}), session.WithClaims(recentSignIn(10*time.Minute)))

	tokens := must(svc.Create(context.Background(), "ada"))
	for range 2 {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/password", nil)
		r.Header.Set("Authorization", "Bearer "+tokens.Access.Value)
		w := httptest.NewRecorder()
		change.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
		clock.Advance(time.Hour / 2)
	}
	// Output:
	// 200 changed
	// 403 {"claimValidationErrors":[{"id":"recent-sign-in","reason":"sign in again"}],"message":"invalid claim"}
}
