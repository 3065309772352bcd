package prometheus_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gin-sessionkit/sessionkit/contrib/prometheus"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

func ExampleNew() {
	ctx := context.Background()
	svc, err := session.New(ctx, memstore.New(), session.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer svc.Close()
	registry := client.NewRegistry() // or prometheus.DefaultRegisterer
	registry.MustRegister(prometheus.New(svc))

	_, _ = svc.Create(ctx, "ada")
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, `sessionkit_sign_ins_total{result="ok"}`) {
			fmt.Print(line)
		}
	}
	// Output: sessionkit_sign_ins_total{result="ok"} 1
}
