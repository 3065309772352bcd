package integration_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// tellOfNewDevices turns the notice on. The function that it returns mails, until ctx
// ends: sign-ins must not wait for that.
func tellOfNewDevices(cfg *session.Config, mail func(context.Context, session.Device) error) (run func(context.Context, *session.Service)) {
	queue := make(chan session.Event, 1000)
	cfg.NewDeviceNotice = true
	cfg.OnEvent = func(e session.Event) {
		if !e.NewDevice {
			return
		}
		select {
		case queue <- e:
		default: // the mail is lost, and not the sign-in
			slog.Warn("no mail about a new device: the queue is full")
		}
	}
	return func(ctx context.Context, svc *session.Service) {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-queue:
				// With its user agent. It may have ended already: no reason to keep quiet.
				device, err := svc.Get(ctx, e.Handle)
				if err != nil {
					device = session.Device{UserID: e.UserID, CreatedAt: e.Time}
				}
				if err := mail(ctx, device); err != nil {
					slog.WarnContext(ctx, "no mail about a new device", "error", err)
				}
			}
		}
	}
}

func TestCookbook_NewDevice(t *testing.T) {
	t.Parallel()
	cfg, mailed := session.Config{}, make(chan session.Device, 10)
	run := tellOfNewDevices(&cfg, func(_ context.Context, device session.Device) error {
		mailed <- device
		return nil
	})
	svc, _ := newService(t, cfg)
	router := gin.New()
	router.POST("/login/:user", func(c *gin.Context) {
		_, err := middleware.Create(c, svc, c.Param("user"))
		require.NoError(t, err)
	})
	signIn := func(user, agent string, cookies ...*http.Cookie) []*http.Cookie {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login/"+user, http.NoBody)
		r.Header.Set("User-Agent", agent)
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w.Result().Cookies()
	}
	laptop := signIn("ada", "laptop")
	laptop = signIn("ada", "laptop", laptop...)
	signIn("bob", "laptop", laptop...)
	signIn("ada", "phone")
	ctx, stop := context.WithCancel(t.Context())
	var mailer sync.WaitGroup
	mailer.Go(func() { run(ctx, svc) })
	var got []string
	for range 3 {
		device := <-mailed
		got = append(got, device.UserID+" on "+device.UserAgent)
	}
	stop()
	mailer.Wait()
	require.Empty(t, mailed)
	// The first session has ended by the second sign-in before the mailer came to it.
	require.Equal(t, []string{"ada on ", "bob on laptop", "ada on phone"}, got)
}
