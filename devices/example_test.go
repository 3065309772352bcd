package devices_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/devices"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Ada is signed in on a laptop and a tablet. She names the tablet, sees where she is
// signed in, and ends all but the laptop.
func ExampleMount() {
	gin.SetMode(gin.ReleaseMode)
	svc, err := session.New(context.Background(), memstore.New(), session.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer svc.Close()
	router := gin.New()
	devices.Mount(router.Group("/auth"), svc, devices.Config{})

	laptop, _ := svc.Create(context.Background(), "ada",
		session.WithDevice("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ""))
	tablet, _ := svc.Create(context.Background(), "ada",
		session.WithDevice("Mozilla/5.0 (Android 14; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0", ""))

	send := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(context.Background(), method, "https://app.example/auth/sessions"+path, strings.NewReader(body))
		r.Header.Set("Cookie", "sAccessToken="+laptop.Access.Value)
		r.Header.Set("Anti-Csrf", laptop.AntiCSRF)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	fmt.Println(send(http.MethodPatch, "/"+tablet.Session.Handle(), `{"label":"kitchen tablet"}`).Code)
	body := send(http.MethodGet, "", "").Body.String()
	for _, text := range []string{
		`"current":true,"label":"","device":{"browser":"Firefox","os":"Linux","kind":"desktop"}`,
		`"current":false,"label":"kitchen tablet","device":{"browser":"Firefox","os":"Android","kind":"tablet"}`,
	} {
		fmt.Println(strings.Contains(body, text))
	}
	fmt.Println(send(http.MethodPost, "/revoke-others", "").Body)
	// Output:
	// 204
	// true
	// true
	// {"revoked":1}
}
