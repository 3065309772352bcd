// Package services has the routes by which the other services of an application ask
// the one that keeps the sessions: the feed of revocations, introspection (RFC 7662)
// and revocation (RFC 7009).
//
//	mux.Handle("GET /internal/feed", services.Feed(svc, guard))
//	mux.Handle("POST /internal/introspect", services.Introspection(svc, guard))
//	mux.Handle("POST /internal/revoke", services.Revocation(svc, guard))
//
// # The guard is yours
//
// These routes are for services of your own, and nobody else may reach them: the feed
// names users, and introspection shows payloads to whoever has a token. The kit does
// not know who those services are. So each route takes a guard, which decides by what
// your services have, such as a client certificate or a secret of their own, and
// answers the others itself, by 401; nothing runs before it. The package's example
// shows one. Where a middleware of your router stands before the route already, pass
// one that lets everybody through. Compare secrets in constant time (crypto/subtle).
//
// The public keys need no guard: see package jwks. Services in Go use package verify,
// which asks the first two by itself.
package services

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// maxForm bounds the body of a request: a token has 4 KB at most.
const maxForm = 16 << 10

// pageSize is how many hints an answer has, at most.
const pageSize = 1000

// Feed answers GET …?since=PLACE with the hints of the feed after that place, for
// package verify: whom a service has to ask about. PLACE is a time in milliseconds
// since 1970, or the next of an answer, which goes on where that ended. It runs one
// SELECT.
//
// It panics for a Service that does not read the feed (session.FeedConfig), and without
// a guard.
func Feed(svc *session.Service, guard func(http.Handler) http.Handler) http.Handler {
	mustHave("Feed", svc, guard)
	if err := svc.CheckVerify(session.WithRevocation(session.RevokeSoon)); err != nil {
		panic("services: Feed: " + err.Error())
	}
	return guarded(guard, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		since, err := feed.ParsePosition(r.URL.Query().Get("since"))
		if err != nil {
			refuse(w, http.StatusBadRequest, "invalid_request", "since is no place in the feed")
			return
		}
		page, err := svc.ReadFeed(r.Context(), models.FeedQuery{After: since, Limit: pageSize})
		if err != nil {
			fail(w, err)
			return
		}
		body, err := feed.EncodePage(page)
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, body)
	})
}

// Introspection answers a POST of the form field token by what the access token and its
// session say (RFC 7662): {"active":false} alone for whatever counts for nothing, and a
// refresh token is no business of other services. An active one has the members iss,
// aud, client_id (the first audience), sub, sid, jti, iat, exp, auth_time, and where
// they are there acr, amr, and pl, the payload. It runs one SELECT, and changes
// nothing.
//
// It panics without a guard.
func Introspection(svc *session.Service, guard func(http.Handler) http.Handler) http.Handler {
	mustHave("Introspection", svc, guard)
	return guarded(guard, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		text, ok := tokenOf(w, r)
		if !ok {
			return
		}
		said, err := svc.Introspect(r.Context(), text)
		switch {
		case errors.Is(err, errors.ErrTryRefreshToken) || errors.Is(err, errors.ErrUnauthorised):
			answer(w, http.StatusOK, []byte(`{"active":false}`))
			return
		case err != nil:
			fail(w, err)
			return
		}
		body, err := json.Marshal(active(said))
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, body)
	})
}

// introspected is an answer about an active token.
type introspected struct {
	Active   bool            `json:"active"`
	Issuer   string          `json:"iss"`
	Audience any             `json:"aud"` // a text, or texts where they are several
	ClientID string          `json:"client_id"`
	Subject  string          `json:"sub"`
	Session  string          `json:"sid"`
	TokenID  string          `json:"jti"`
	IssuedAt int64           `json:"iat"`
	Expires  int64           `json:"exp"`
	AuthTime int64           `json:"auth_time"`
	Level    string          `json:"acr,omitempty"`
	Methods  []string        `json:"amr,omitempty"`
	Payload  json.RawMessage `json:"pl,omitempty"`
}

func active(said *session.Introspection) introspected {
	out := introspected{
		Active: true, Issuer: said.Issuer, Audience: said.Audiences, ClientID: said.Audiences[0],
		Subject: said.UserID, Session: said.Handle, TokenID: said.TokenID,
		IssuedAt: said.IssuedAt.Unix(), Expires: said.ExpiresAt.Unix(), AuthTime: said.AuthTime.Unix(),
		Methods: said.Methods, Payload: said.Payload,
	}
	if len(said.Audiences) == 1 {
		out.Audience = said.Audiences[0]
	}
	if said.Level > 0 {
		out.Level = strconv.Itoa(said.Level)
	}
	return out
}

// Revocation ends the session of the token in the form field token, an access or a
// refresh token, for services that sign users out without a cookie (RFC 7009). The
// answer is 200 also for what is no token. A token_type_hint is not needed, and any is
// let pass.
//
// It panics without a guard.
func Revocation(svc *session.Service, guard func(http.Handler) http.Handler) http.Handler {
	mustHave("Revocation", svc, guard)
	return guarded(guard, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		text, ok := tokenOf(w, r)
		if !ok {
			return
		}
		if err := svc.RevokeToken(r.Context(), text); err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, nil)
	})
}

func mustHave(name string, svc *session.Service, guard func(http.Handler) http.Handler) {
	if svc == nil || guard == nil {
		panic("services: " + name + " needs a Service and a guard: see the package's documentation")
	}
}

// guarded puts next behind the guard, before which nothing is looked at.
func guarded(guard func(http.Handler) http.Handler, method string, next http.HandlerFunc) http.Handler {
	return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			refuse(w, http.StatusMethodNotAllowed, "invalid_request", "the method is "+method)
			return
		}
		next(w, r)
	}))
}

// tokenOf is the form field token of the body, and of nothing else: addresses are
// written into logs. Where there is none it has answered.
func tokenOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		refuse(w, http.StatusBadRequest, "invalid_request", "the body is a form: application/x-www-form-urlencoded")
		return "", false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	switch err := r.ParseForm(); {
	case isTooLarge(err):
		refuse(w, http.StatusRequestEntityTooLarge, "invalid_request", "the body is too large")
		return "", false
	case err != nil || !once(r.PostForm):
		refuse(w, http.StatusBadRequest, "invalid_request", "the body is a form with the field token, each field once")
		return "", false
	}
	return r.PostForm.Get("token"), true
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// once reports whether the form has a token, and nothing twice (RFC 6749, section 3.2).
func once(form url.Values) bool {
	for _, values := range form {
		if len(values) != 1 {
			return false
		}
	}
	return form.Get("token") != ""
}

// fail answers for a failure: the database's, which passes, or another.
func fail(w http.ResponseWriter, err error) {
	if errors.Is(err, errors.ErrUnavailable) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable", "try again")
		return
	}
	refuse(w, http.StatusInternalServerError, "server_error", "the service cannot answer")
}

// refuse answers by an error as OAuth 2.0 has them (RFC 6749, section 5.2).
func refuse(w http.ResponseWriter, status int, code, description string) {
	body, _ := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	answer(w, status, body)
}

func answer(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
