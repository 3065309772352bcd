package services_test

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/services"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The routes of the service that keeps the sessions, behind a guard that knows the
// other services by a secret. It compares hashes, so that the time tells neither the
// secret nor its length.
func Example() {
	svc, err := session.New(context.Background(), memstore.New(), session.Config{
		Revocation: session.RevokeSoon, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	defer svc.Close()
	want := sha256.Sum256([]byte("the secret of the billing service"))
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, secret, _ := r.BasicAuth()
			if got := sha256.Sum256([]byte(secret)); subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", `Basic realm="services"`)
				http.Error(w, "not one of our services", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /internal/feed", services.Feed(svc, guard))
	mux.Handle("POST /internal/introspect", services.Introspection(svc, guard))
	mux.Handle("POST /internal/revoke", services.Revocation(svc, guard))
	first := httptest.NewServer(mux)
	defer first.Close()

	tokens, _ := svc.Create(context.Background(), "ada")
	ask := func(path, secret string) {
		r, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, first.URL+path, strings.NewReader(url.Values{"token": {tokens.Access.Value}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("billing", secret)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Println(resp.StatusCode, strings.Contains(string(body), `"sub":"ada"`), strings.Contains(string(body), `"active":false`))
	}
	ask("/internal/introspect", "a guess")
	ask("/internal/introspect", "the secret of the billing service")
	ask("/internal/revoke", "the secret of the billing service")
	ask("/internal/introspect", "the secret of the billing service")
	// Output:
	// 401 false false
	// 200 true false
	// 200 false false
	// 200 false true
}
