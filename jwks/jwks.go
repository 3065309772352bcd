// Package jwks serves the public keys of access tokens, for services that verify
// them without being able to make any.
//
//	mux.Handle("GET /.well-known/jwks.json", jwks.Handler(svc))
//
// Set session.Config.SigningKey.Algorithm to ES256, Ed25519 or RS256 for it. The
// keys are a JWK Set (RFC 7517). There is no secret among them: a service with
// HS256 has an empty set.
package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/jwk"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Handler answers GET and HEAD with the public keys of svc, and anything else with
// 405. It needs no guard: the keys are public. It runs no SQL.
//
// The answer may be kept for two and a quarter minutes (with a SigningKey.Rotation
// below 20 min for less), so that every verifier and every cache between has a new key
// before anything is signed with it. Its ETag changes with the keys.
func Handler(svc *session.Service) http.Handler {
	if svc == nil {
		panic("jwks: Handler needs a Service")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		body, maxAge, err := encoded(svc)
		if err != nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
			return
		}
		sum := sha256.Sum256(body)
		h := w.Header()
		h.Set("Content-Type", "application/jwk-set+json")
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
		h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}

// encoded is the JWK Set of the moment.
func encoded(svc *session.Service) ([]byte, time.Duration, error) {
	keys, maxAge, err := svc.PublicKeys()
	if err != nil {
		return nil, 0, err
	}
	public := make([]jwk.Public, 0, len(keys))
	for _, k := range keys {
		public = append(public, jwk.Public{ID: k.ID, Key: k.Key})
	}
	body, err := jwk.Encode(public)
	return body, maxAge, err
}
