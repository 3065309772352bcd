package session_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A whole application with net/http alone: it signs in, serves a page to whoever is
// signed in, refreshes and signs out. In production the store is that of package
// gormstore, and HTTPS makes Insecure superfluous.
func Example() {
	svc, err := session.New(context.Background(), memstore.New(), session.Config{
		Logger: slog.New(slog.DiscardHandler),
		Cookie: session.CookieConfig{Insecure: true}, // plain HTTP, on loopback only
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer svc.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// The application has checked the password; from here on the kit does it.
		if _, err := svc.CreateHTTP(w, r, "ada"); err != nil {
			svc.WriteError(w, r, err)
		}
	})
	mux.Handle("GET /me", svc.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, _ := session.FromContext(r.Context())
		_, _ = fmt.Fprintf(w, "hello %s", sess.UserID())
	})))
	for _, path := range svc.RefreshPaths() {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			if _, err := svc.RefreshHTTP(w, r); err != nil {
				svc.WriteError(w, r, err)
			}
		})
	}
	mux.HandleFunc("POST "+svc.SignOutPath(), func(w http.ResponseWriter, r *http.Request) {
		if err := svc.SignOutHTTP(w, r); err != nil {
			svc.WriteError(w, r, err)
		}
	})

	server := httptest.NewServer(mux)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	antiCSRF := ""
	for _, request := range []struct{ method, path string }{
		{http.MethodGet, "/me"},
		{http.MethodPost, "/login"},
		{http.MethodGet, "/me"},
		{http.MethodPost, "/auth/session/refresh"},
		{http.MethodGet, "/me"},
		{http.MethodPost, "/auth/signout"},
		{http.MethodGet, "/me"},
	} {
		r, _ := http.NewRequestWithContext(context.Background(), request.method, server.URL+request.path, nil)
		r.Header.Set("Anti-Csrf", antiCSRF)
		answer, err := browser.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if token := answer.Header.Get("Anti-Csrf"); token != "" {
			antiCSRF = token
		}
		fmt.Println(strings.TrimSpace(fmt.Sprintln(request.method, request.path, answer.StatusCode, string(body))))
	}
	// Output:
	// GET /me 401 {"message":"unauthorised"}
	// POST /login 200
	// GET /me 200 hello ada
	// POST /auth/session/refresh 200
	// GET /me 200 hello ada
	// POST /auth/signout 200
	// GET /me 401 {"message":"unauthorised"}
}
