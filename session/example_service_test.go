package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// exampleService is a Service on a store in memory; change may be nil.
func exampleService(change func(*session.Config)) *session.Service {
	cfg := session.Config{Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	svc, err := session.New(context.Background(), memstore.New(), cfg)
	if err != nil {
		panic(err)
	}
	return svc
}

// New names everything that is wrong with a configuration at once.
func ExampleNew() {
	_, err := session.New(context.Background(), memstore.New(), session.Config{
		AccessTokenValidity: time.Second,
		Cookie:              session.CookieConfig{RefreshPath: "auth"},
	})
	fmt.Println(errors.Is(err, errors.ErrConfig))
	fmt.Println(err)
	// Output:
	// true
	// sessionkit: general error: invalid configuration: Config.AccessTokenValidity: 1s is not between 2s and 24h0m0s
	// Config.Cookie.RefreshPath: "auth" is not an absolute path
}

// A stolen refresh token gives itself away when it and its replacement are both used.
// OnTheft is told once, after the session was revoked.
func ExampleConfig_onTheft() {
	told := make(chan string, 1)
	svc := exampleService(func(c *session.Config) {
		c.OnTheft = func(_ context.Context, theft *errors.TokenTheftError) {
			told <- "mail to " + theft.UserID
		}
	})
	defer svc.Close()
	ctx := context.Background()
	first, _ := svc.Create(ctx, "ada")
	stolen := first.Refresh.Value

	// Ada's browser refreshes, and uses what it got: the old token is dead by that.
	next, _ := svc.Refresh(ctx, first.Refresh.Value)
	_, _, err := svc.Verify(ctx, next.Access.Value, next.AntiCSRF)
	fmt.Println("ada:", err)

	_, err = svc.Refresh(ctx, stolen)
	fmt.Println("thief:", errors.Is(err, errors.ErrTokenTheft))
	fmt.Println(<-told)
	_, err = svc.Refresh(ctx, next.Refresh.Value)
	fmt.Println("the session is over:", errors.Is(err, errors.ErrUnauthorised))
	// Output:
	// ada: <nil>
	// thief: true
	// mail to ada
	// the session is over: true
}

// Without HTTP the caller hands tokens to the client, and passes on the replaced one
// that the first use after a refresh brings.
func ExampleService_Verify() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	tokens, _ := svc.Create(ctx, "ada")

	sess, replaced, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF)
	fmt.Println(sess.UserID(), replaced != nil, err)

	tokens, _ = svc.Refresh(ctx, tokens.Refresh.Value)
	sess, replaced, err = svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF)
	fmt.Println(sess.UserID(), replaced != nil, err)

	_, _, err = svc.Verify(ctx, tokens.Access.Value, "another page's guess")
	fmt.Println(errors.Is(err, errors.ErrAntiCSRF))
	// Output:
	// ada false <nil>
	// ada true <nil>
	// true
}

// The payload is in the access token: readable in the browser, read without the
// database. The data stays on the server.
func ExampleService_Create() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	tokens, err := svc.Create(ctx, "ada",
		session.WithPayload(map[string]string{"theme": "dark"}),
		session.WithData(map[string]int{"cart": 3}))
	if err != nil {
		fmt.Println(err)
		return
	}
	var payload map[string]string
	var data map[string]int
	fmt.Println(tokens.Session.Payload(&payload), payload["theme"])
	fmt.Println(tokens.Session.Data(ctx, &data), data["cart"])
	fmt.Println(tokens.Access) // prints and logs show no token
	// Output:
	// <nil> dark
	// <nil> 3
	// [redacted]
}

// A refresh token is used once. Whoever gets no answer, because the network failed,
// uses it again: it counts as used only when its successor was seen.
func ExampleService_Refresh() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	tokens, _ := svc.Create(ctx, "ada")
	_, err := svc.Refresh(ctx, tokens.Refresh.Value) // the answer is lost
	fmt.Println(err)
	_, err = svc.Refresh(ctx, tokens.Refresh.Value)
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
}

// ModifyData changes data that another request may change too: the function runs again
// on what is there by then, so that no change is lost.
func ExampleService_ModifyData() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	tokens, _ := svc.Create(ctx, "ada", session.WithData(1))
	handle := tokens.Session.Handle()
	for range 3 {
		err := svc.ModifyData(ctx, handle, func(current json.RawMessage) (any, error) {
			var count int
			if err := json.Unmarshal(current, &count); err != nil {
				return nil, err
			}
			return count + 1, nil
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	var count int
	fmt.Println(svc.Data(ctx, handle, &count), count)
	// Output:
	// <nil> 4
}

// After a change of password: this session stays, all others end.
func ExampleService_RevokeOthers() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	here, _ := svc.Create(ctx, "ada")
	_, _ = svc.Create(ctx, "ada")
	_, _ = svc.Create(ctx, "ada")
	n, err := svc.RevokeOthers(ctx, "ada", here.Session.Handle())
	fmt.Println(n, err)
	left, _ := svc.List(ctx, "ada")
	fmt.Println(len(left), left[0].Handle == here.Session.Handle())
	// Output:
	// 2 <nil>
	// 1 true
}

// A handle from a form ends a session of the user who sent it, and nobody else's.
func ExampleService_RevokeOf() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	ada, _ := svc.Create(ctx, "ada")
	ended, err := svc.RevokeOf(ctx, "mallory", ada.Session.Handle())
	fmt.Println(ended, err)
	ended, err = svc.RevokeOf(ctx, "ada", ada.Session.Handle())
	fmt.Println(ended, err)
	// Output:
	// false <nil>
	// true <nil>
}

// A page of a user's devices.
func ExampleService_ListPage() {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	svc := exampleService(func(c *session.Config) { c.Now = func() time.Time { return at } })
	defer svc.Close()
	ctx := context.Background()
	for _, agent := range []string{"laptop", "phone", "tablet"} {
		_, _ = svc.Create(ctx, "ada", session.WithDevice(agent, ""))
		at = at.Add(time.Hour)
	}
	for after := ""; ; {
		page, err := svc.ListPage(ctx, "ada", after, 2)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, device := range page.Sessions {
			fmt.Println(device.UserAgent, device.CreatedAt.UTC().Format(time.DateTime))
		}
		if after = page.After; after == "" {
			return
		}
		fmt.Println("next page")
	}
	// Output:
	// laptop 2026-01-01 00:00:00
	// phone 2026-01-01 01:00:00
	// next page
	// tablet 2026-01-01 02:00:00
}

// A change of the payload shows in the access token at once.
func ExampleSession_MergePayload() {
	svc := exampleService(nil)
	defer svc.Close()
	ctx := context.Background()
	tokens, _ := svc.Create(ctx, "ada", session.WithPayload(map[string]string{"theme": "dark", "beta": "on"}))
	sess := tokens.Session
	access, err := sess.MergePayload(ctx, map[string]any{"theme": "light", "beta": nil})
	fmt.Println(access.Value != tokens.Access.Value, err)
	var payload map[string]string
	fmt.Println(sess.Payload(&payload), payload)
	// Output:
	// true <nil>
	// <nil> map[theme:light]
}

// Work that goes on after the answer uses the session without its response.
func ExampleSession_Detached() {
	svc := exampleService(nil)
	defer svc.Close()
	done := make(chan error, 1)
	handler := svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, _ := session.FromContext(r.Context())
		job, ctx := sess.Detached(), context.WithoutCancel(r.Context())
		go func() { done <- job.UpdateData(ctx, "the export is ready") }()
		w.WriteHeader(http.StatusAccepted)
	}))

	tokens, _ := svc.Create(context.Background(), "ada")
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "https://app.example/export", nil)
	r.AddCookie(&http.Cookie{Name: "sAccessToken", Value: tokens.Access.Value})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, <-done)
	// Output:
	// 202 <nil>
}

// A handler passes its access token on to another service, which verifies it too.
func ExampleSession_AccessToken() {
	svc := exampleService(nil)
	defer svc.Close()
	tokens, _ := svc.Create(context.Background(), "ada")
	sess, _, _ := svc.Verify(context.Background(), tokens.Access.Value, tokens.AntiCSRF)

	r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://billing.internal/invoices", nil)
	r.Header.Set("Authorization", "Bearer "+sess.AccessToken().Value)
	fmt.Println(r.Header.Get("Authorization") == "Bearer "+tokens.Access.Value)
	// Output:
	// true
}

// Visitors pass a handler that asks for a session only if there is one.
func ExampleOptional() {
	svc := exampleService(nil)
	defer svc.Close()
	handler := svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "visitor"
		if sess, ok := session.FromContext(r.Context()); ok {
			name = sess.UserID()
		}
		_, _ = fmt.Fprintf(w, "hello %s", name)
	}), session.Optional())

	tokens, _ := svc.Create(context.Background(), "ada")
	for _, cookie := range []string{"", "sAccessToken=" + tokens.Access.Value} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "https://app.example/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello visitor
	// 200 hello ada
}

// Events are for metrics and audit logs. They run on the path of the request.
func ExampleConfig_onEvent() {
	svc := exampleService(func(c *session.Config) {
		c.OnEvent = func(e session.Event) {
			if e.Handle != "" { // others are about keys and the cleanup
				fmt.Println(e.Kind)
			}
		}
	})
	defer svc.Close()
	tokens, _ := svc.Create(context.Background(), "ada")
	_, _ = svc.Revoke(context.Background(), tokens.Session.Handle())
	// Output:
	// session_created
	// session_revoked
}
