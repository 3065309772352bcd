package sessiontest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// newRouter is the application under test. In its main function, the service is on
// a database.
func newRouter(svc *session.Service) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	refresh.Mount(router, svc)
	router.POST("/notes", middleware.Verify(svc), func(c *gin.Context) {
		sess, _ := middleware.Session(c)
		c.String(http.StatusCreated, "a note of "+sess.UserID())
	})
	return router
}

// A Gin handler gets a request of a signed-in user. In a test, t is its *testing.T.
func Example() {
	t := newT()
	defer t.end()

	kit := sessiontest.New(t, session.Config{})
	router := newRouter(kit.Service)

	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/notes", nil)
	kit.Login(t, r, "alice")
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)

	// The same request as a page of a foreign origin can forge it: the browser adds
	// its cookies, but nobody the token.
	r.Header.Del("anti-csrf")
	w = httptest.NewRecorder()
	router.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 201 a note of alice
	// 401 {"message":"try refresh token"}
}

// The kit needs no Gin: here the application is one of net/http alone.
func Example_netHTTP() {
	t := newT()
	defer t.end()

	kit := sessiontest.New(t, session.Config{})
	hello := func(w http.ResponseWriter, r *http.Request) {
		sess, _ := session.FromContext(r.Context())
		_, _ = fmt.Fprint(w, "hello ", sess.UserID())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hello", kit.Service.Protect(http.HandlerFunc(hello)))

	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/hello", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)

	kit.Login(t, r, "bob")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 {"message":"unauthorised"}
	// 200 hello bob
}

// A client goes on when its access token has expired, as a front end does: it
// refreshes and sends the request again.
func ExampleKit_Expire() {
	t := newT()
	defer t.end()

	kit := sessiontest.New(t, session.Config{})
	alice := kit.Client(t, newRouter(kit.Service))
	alice.Login("alice")

	kit.Expire()
	w := alice.Post("/notes", `{"text":"still here"}`)
	fmt.Println(w.Code, w.Body)
	fmt.Println("refreshed:", len(kit.Events(session.EventRefreshed)))
	// Output:
	// 201 a note of alice
	// refreshed: 1
}

// Somebody has copied a user's cookies. As soon as both have refreshed, one of them
// with a token that was replaced, the session ends.
func ExampleKit_Steal() {
	t := newT()
	defer t.end()

	kit := sessiontest.New(t, session.Config{})
	alice := kit.Client(t, newRouter(kit.Service))
	alice.Login("alice")
	thief := kit.Steal(alice)

	kit.Expire()
	fmt.Println("alice:", alice.Post("/notes", "").Code)
	fmt.Println("thief:", thief.Post("/notes", "").Code)
	for _, theft := range kit.Events(session.EventTheft) {
		fmt.Println("stolen from", theft.UserID)
	}
	// Output:
	// alice: 201
	// thief: 401
	// stolen from alice
}

// Time passes as the test says: sessions of this application end after a day.
func ExampleKit_Advance() {
	t := newT()
	defer t.end()

	kit := sessiontest.New(t, session.Config{SessionLifetime: 24 * time.Hour})
	alice := kit.Client(t, newRouter(kit.Service))
	alice.Login("alice")

	kit.Advance(23 * time.Hour)
	fmt.Println(alice.Post("/notes", "").Code)
	kit.Advance(2 * time.Hour)
	fmt.Println(alice.Post("/notes", "").Code)
	// Output:
	// 201
	// 401
}

// exampleT stands in for the *testing.T that an example does not get.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func newT() *exampleT { return &exampleT{} }

func (t *exampleT) end() {
	for _, f := range t.cleanups {
		f()
	}
}

func (t *exampleT) Helper()                           {}
func (t *exampleT) Context() context.Context          { return context.Background() }
func (t *exampleT) Output() io.Writer                 { return io.Discard }
func (t *exampleT) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Logf(format string, args ...any)   { fmt.Printf(format+"\n", args...) }
func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
