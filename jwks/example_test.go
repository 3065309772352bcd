package jwks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A service that signs by a key pair shows the public half to whoever asks.
func ExampleHandler() {
	svc, err := session.New(context.Background(), memstore.New(), session.Config{
		SigningKey: session.SigningKeyConfig{Algorithm: session.ES256}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	defer svc.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/jwks.json", jwks.Handler(svc))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/.well-known/jwks.json", nil))
	var set struct {
		Keys []struct{ Kty, Crv, Alg, Use, D string }
	}
	_ = json.Unmarshal(w.Body.Bytes(), &set)
	fmt.Println(w.Header().Get("Cache-Control"))
	fmt.Printf("%+v\n", set.Keys)
	// Output:
	// public, max-age=135
	// [{Kty:EC Crv:P-256 Alg:ES256 Use:sig D:}]
}
