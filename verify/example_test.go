package verify_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/services"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/verify"
)

// firstService is a service that keeps sessions, and its address. Its guard knows the
// other one by a header, where a real one asks for a certificate or a secret: see
// package services.
func firstService() (*session.Service, *httptest.Server) {
	svc, err := session.New(context.Background(), memstore.New(), session.Config{
		Issuer: "https://app.example", Audiences: []string{"app"}, Revocation: session.RevokeSoon,
		SigningKey: session.SigningKeyConfig{Algorithm: session.ES256}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Service") != "billing" {
				http.Error(w, "not one of our services", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", jwks.Handler(svc))
	mux.Handle("GET /internal/feed", services.Feed(svc, guard))
	mux.Handle("POST /internal/introspect", services.Introspection(svc, guard))
	return svc, httptest.NewServer(mux)
}

// asBilling sends the credential of this service along.
type asBilling struct{}

func (asBilling) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Service", "billing")
	return http.DefaultTransport.RoundTrip(r)
}

// A service that needs nothing but the other one's public keys.
func ExampleVerifier_Verify() {
	svc, first := firstService()
	defer first.Close()
	defer svc.Close()
	v, err := verify.New(verify.Config{Issuer: "https://app.example", Audience: "app", JWKS: first.URL + "/jwks.json"})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	tokens, _ := svc.Create(ctx, "ada", session.WithPayload(map[string]any{"plan": "pro"}))

	who, err := v.Verify(ctx, tokens.Access.Value)
	var payload struct{ Plan string }
	_ = who.Payload(&payload)
	fmt.Println(who.UserID(), payload.Plan, err)
	_, err = v.Verify(ctx, tokens.Refresh.Value)
	fmt.Println(err)
	// Output:
	// ada pro <nil>
	// token malformed
}

// With Run it hears of sessions that have ended, within two seconds by default.
func ExampleVerifier_Run() {
	svc, first := firstService()
	defer first.Close()
	defer svc.Close()
	v, err := verify.New(verify.Config{
		Issuer: "https://app.example", Audience: "app", JWKS: first.URL + "/jwks.json",
		Feed: first.URL + "/internal/feed", Introspect: first.URL + "/internal/introspect",
		Client: &http.Client{Transport: asBilling{}},
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go v.Run(ctx)

	tokens, _ := svc.Create(ctx, "ada")
	who, err := v.Verify(ctx, tokens.Access.Value)
	fmt.Println(who.UserID(), err)
	_, _ = svc.RevokeAll(ctx, "ada")
	for err == nil { // as requests come
		_, err = v.Verify(ctx, tokens.Access.Value)
	}
	fmt.Println(errors.Is(err, errors.ErrUnauthorised), err)
	// Output:
	// ada <nil>
	// true sessionkit: unauthorised: session revoked
}
