package integration_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"expvar"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// What docs/cookbook.md shows, letter by letter (TestDocs compares), and tests of it.

func mountPages(router *gin.Engine, svc *session.Service, checkPassword func(c *gin.Context) (userID string, ok bool)) {
	const login = "/login"
	refresh.Mount(router, svc, refresh.Pages(login)) // refresh by a redirect, sign-out by a form

	router.GET(login, func(c *gin.Context) { showLogin(c, http.StatusOK, c.Query("reason")) })
	router.POST(login, func(c *gin.Context) {
		userID, ok := checkPassword(c)
		if !ok {
			showLogin(c, http.StatusForbidden, "password")
			return
		}
		if _, err := middleware.Create(c, svc, userID); err != nil {
			middleware.Abort(c, svc, err) // 403 if a foreign page sent the form
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c)) // where they wanted to go, or "/"
	})

	pages := router.Group("/", middleware.VerifyPage(svc, middleware.Page{Login: login}))
	pages.GET("/", func(c *gin.Context) {
		sess := c.MustGet(middleware.Key).(*session.Session)
		c.String(http.StatusOK, "Hello, %s", sess.UserID())
	})
	pages.POST("/notes", func(c *gin.Context) { // a plain form, without a token in it
		c.String(http.StatusOK, "Noted: %s", c.PostForm("note"))
	})
}

var loginPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
{{if eq .Reason "theft"}}<p>Somebody else used your session, so we ended it. Was it not you?</p>{{end}}
<form method="post"><input type="hidden" name="to" value="{{.To}}">
<input name="user" autocomplete="username"> <input name="password" type="password" autocomplete="current-password">
<button>Sign in</button></form>`))

func showLogin(c *gin.Context, status int, reason string) {
	c.Status(status)
	c.Header("Content-Type", "text/html; charset=utf-8")
	_ = loginPage.Execute(c.Writer, gin.H{"Reason": reason, "To": middleware.ReturnTo(c)})
}

// answerSocket answers what comes through a socket until the page goes away (messages is
// closed), or hangs up as soon as the session has ended.
func answerSocket(ctx context.Context, sess *session.Session, messages <-chan string, answer func(string), hangUp func(why string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // nobody waits any more
	ended, err := sess.Watch(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case end, ok := <-ended:
			if ok {
				hangUp(string(end.Reason))
			}
			return nil // else the server is about to stop
		case text, ok := <-messages:
			if !ok {
				return nil
			}
			answer(text)
		}
	}
}

// changePassword stores the new hash, and ends the user's sessions but for the one at
// hand: both, or neither. That one goes on under new tokens, so that whoever has a copy
// of the old ones is out as soon as this browser has used the new ones.
func changePassword(ctx context.Context, svc *session.Service, store *gormstore.Store, db *gorm.DB, sess *session.Session, hash string) error {
	batch := svc.Batch()
	err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE users SET password = ? WHERE id = ?", hash, sess.UserID()).Error; err != nil {
			return err
		}
		_, err := batch.RevokeOthers(ctx, store.In(tx), sess.UserID(), sess.Handle()) // last: it locks rows
		return err
	})
	if err := batch.Done(ctx, err); err != nil {
		return err
	}
	_, err = sess.Replace(ctx, session.Authenticated("pwd"))
	return err
}

// leaveAdmin ends the session of this request before it is answered, and goes on without
// the role. If the answer is lost the user signs in again.
func leaveAdmin(ctx context.Context, sess *session.Session) error {
	_, err := sess.Replace(ctx, session.ReplaceAtOnce(), session.Level(0), session.WithPayload(nil))
	return err
}

func count(cfg *session.Config, events, refusals *expvar.Map) {
	cfg.OnEvent = func(e session.Event) { events.Add(string(e.Kind), 1) }
	cfg.OnRefusal = func(_ *http.Request, err error) {
		switch {
		case errors.Is(err, errors.ErrTokenExpired):
			refusals.Add("expired", 1) // every hour of every active user
		case errors.Is(err, errors.ErrTokenTheft):
			refusals.Add("theft", 1)
		case errors.Is(err, errors.ErrUnavailable):
			refusals.Add("unavailable", 1)
		default:
			refusals.Add("other", 1)
		}
	}
}

// stop has ctx's time for requests, and up to 11 s more for the service.
func stop(ctx context.Context, server *http.Server, svc *session.Service, db *sql.DB) error {
	err := server.Shutdown(ctx)
	svc.Close()
	return errors.Join(err, db.Close())
}

var errAccountClosed = errors.New("the account is closed")

// signInUser signs in unless the account was closed meanwhile. The other side closes
// the account first, and calls RevokeAll then.
func signInUser(c *gin.Context, svc *session.Service, userID string, isOpen func(ctx context.Context, userID string) (bool, error)) error {
	sess, err := middleware.Create(c, svc, userID)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request.Context()) // whoever hangs up gets no session by that
	open, err := isOpen(ctx, userID)
	if err == nil && open {
		return nil
	}
	if err == nil {
		err = errAccountClosed
	}
	return errors.Join(err, sess.Revoke(ctx))
}

// signInWithin signs in a user whose password was right. ends is the session that the
// user chose to end, from the answer to the attempt before; empty at first.
func signInWithin(c *gin.Context, svc *session.Service, userID, ends string) error {
	if ends != "" {
		if _, err := svc.RevokeOf(c.Request.Context(), userID, ends); err != nil {
			return err
		}
	}
	_, err := middleware.Create(c, svc, userID)
	return err // middleware.Abort answers 409 with the list
}

// endBefore ends all sessions from before a break-in, but for the operator's own. Its
// result without sure is what a page shows beside the button.
func endBefore(ctx context.Context, svc *session.Service, breakIn time.Time, own string, sure bool) (int, error) {
	filter := session.Filter{CreatedBefore: breakIn, ExceptHandles: []string{own}}
	if !sure {
		counted, err := svc.RevokeWhere(ctx, filter, session.DryRun())
		return counted.Count, err
	}
	total, after := 0, ""
	for {
		done, err := svc.RevokeWhere(ctx, filter, session.ResumeAfter(after))
		total += done.Count
		if !errors.Is(err, errors.ErrUnavailable) || ctx.Err() != nil {
			return total, err
		}
		after = done.After // a database that fails over comes back: go on there
		time.Sleep(time.Second)
	}
}

// newService is a service on SQLite whose tables are there.
func newService(t *testing.T, cfg session.Config) (*session.Service, *sql.DB) {
	t.Helper()
	svc, _, db := newServiceOn(t, cfg)
	pool, err := db.DB()
	require.NoError(t, err)
	return svc, pool
}

// newServiceOn is newService, with what is below it.
func newServiceOn(t *testing.T, cfg session.Config) (*session.Service, *gormstore.Store, *gorm.DB) {
	t.Helper()
	db := rig.OpenSQLite(t)
	store := rig.Migrated(t, db)
	cfg.Logger = slog.New(slog.DiscardHandler)
	svc, err := session.New(t.Context(), store, cfg)
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	return svc, store, db
}

// page sends what a browser would for a link or a form, and follows no redirect.
func page(t *testing.T, user *rig.Browser, method, path, site string) rig.Reply {
	t.Helper()
	r := user.RequestOf(rig.Page{Header: http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {site},
	}}, method, path)
	r.Body = "user=ada&password=right&note=milk"
	answer, err := user.Way(t.Context(), r)
	require.NoError(t, err)
	user.Take(answer)
	return answer
}

func TestCookbook_Pages(t *testing.T) {
	t.Parallel()
	clock := sessiontest.NewClock(time.Now())
	svc, _ := newService(t, session.Config{Now: clock.Now, ConcurrentRefreshWindow: 10 * time.Second})
	router := gin.New()
	mountPages(router, svc, func(c *gin.Context) (string, bool) {
		return c.PostForm("user"), c.PostForm("password") == "right" && c.Query("wrong") == ""
	})
	user := rig.NewBrowser(clock.Now, rig.Into(router))
	answers := func(status int, method, path, site, location string) string {
		t.Helper()
		answer := page(t, user, method, path, site)
		require.Equal(t, status, answer.Status)
		require.Equal(t, location, answer.Header.Get("Location"))
		return answer.Body
	}
	const noted, back = "/notes?n=1", "/auth/session/refresh?to=%2Fnotes%3Fn%3D1"
	answers(http.StatusSeeOther, http.MethodGet, "/", "none", "/login?to=%2F")
	require.Contains(t, answers(http.StatusOK, http.MethodGet, "/login?to=%2F%3Fa%3D1", "same-origin", ""), `value="/?a=1"`)
	require.Contains(t, answers(http.StatusOK, http.MethodGet, "/login?to=//evil.example&reason=theft", "none", ""), `value="/"`)
	require.Contains(t, answers(http.StatusForbidden, http.MethodPost, "/login?wrong=1&to=/b", "same-origin", ""), `value="/b"`)
	answers(http.StatusForbidden, http.MethodPost, "/login", "cross-site", "")
	answers(http.StatusSeeOther, http.MethodPost, "/login?to=/%3Fa%3D1", "same-origin", "/?a=1")
	answers(http.StatusOK, http.MethodGet, "/", "same-origin", "")

	clock.Advance(2 * time.Hour) // the page takes the way over the refresh route, and so does the form
	answers(http.StatusSeeOther, http.MethodGet, "/", "none", "/auth/session/refresh?to=%2F")
	answers(http.StatusSeeOther, http.MethodGet, "/auth/session/refresh?to=%2F", "none", "/")
	answers(http.StatusOK, http.MethodGet, "/", "none", "")
	clock.Advance(2 * time.Hour)
	answers(http.StatusTemporaryRedirect, http.MethodPost, noted, "same-origin", back)
	answers(http.StatusTemporaryRedirect, http.MethodPost, back, "same-origin", noted)
	require.Equal(t, "Noted: milk", answers(http.StatusOK, http.MethodPost, noted, "same-origin", ""))

	answers(http.StatusForbidden, http.MethodPost, "/auth/signout", "cross-site", "")
	answers(http.StatusSeeOther, http.MethodPost, "/auth/signout", "same-origin", "/login")
	answers(http.StatusSeeOther, http.MethodGet, "/", "none", "/login?to=%2F")

	answers(http.StatusSeeOther, http.MethodPost, "/login", "same-origin", "/")
	svc.Close()
	answers(http.StatusServiceUnavailable, http.MethodGet, "/", "same-origin", "") // an outage sends nobody to the sign-in
}

func TestCookbook_Socket(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t, session.Config{Revocation: session.RevokeSoon})
	for _, ends := range []bool{true, false} {
		tokens, err := svc.Create(t.Context(), "ada")
		require.NoError(t, err)
		sess, _, err := svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		messages, answers, why, done := make(chan string), make(chan string), make(chan string, 1), make(chan error)
		go func() {
			done <- answerSocket(t.Context(), sess, messages, func(text string) { answers <- text }, func(reason string) { why <- reason })
		}()
		messages <- "hello"
		require.Equal(t, "hello", <-answers)
		if ends {
			_, err = svc.RevokeAll(t.Context(), "ada")
			require.NoError(t, err)
			require.Equal(t, "revoke-all", <-why)
		} else {
			close(messages)
		}
		require.NoError(t, <-done)
		require.Empty(t, why)
	}
}

func TestCookbook_NewPassword(t *testing.T) {
	t.Parallel()
	svc, store, db := newServiceOn(t, session.Config{Revocation: session.RevokeSoon})
	require.NoError(t, db.Exec("CREATE TABLE users (id TEXT PRIMARY KEY, password TEXT NOT NULL CHECK (length(password) > 3))").Error)
	require.NoError(t, db.Exec("INSERT INTO users VALUES ('ada', 'before')").Error)
	kept, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	other, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	verify := func(tokens *session.Tokens) error {
		_, _, err := svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		return err
	}
	require.Error(t, changePassword(t.Context(), svc, store, db, kept.Session, "no"))
	require.NoError(t, verify(other), "nothing happened")

	require.NoError(t, changePassword(t.Context(), svc, store, db, kept.Session, "after"))
	require.NoError(t, verify(kept))
	require.ErrorIs(t, verify(other), errors.ErrUnauthorised)
	var hash string
	require.NoError(t, db.Raw("SELECT password FROM users").Row().Scan(&hash))
	require.Equal(t, "after", hash)
}

func TestCookbook_Privilege(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t, session.Config{Revocation: session.RevokeImmediately})
	admin, err := svc.Create(t.Context(), "ada", session.Level(2), session.WithPayload("admin"))
	require.NoError(t, err)
	require.NoError(t, leaveAdmin(t.Context(), admin.Session))
	_, _, err = svc.Verify(t.Context(), admin.Access.Value, admin.AntiCSRF)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	list, err := svc.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestCookbook_Metrics(t *testing.T) {
	t.Parallel()
	cfg, events, refusals := session.Config{}, new(expvar.Map), new(expvar.Map)
	count(&cfg, events, refusals)
	svc, _ := newService(t, cfg)
	router := gin.New()
	router.GET("/", middleware.Verify(svc))
	router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	_, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, "1", events.Get("session_created").String())
	require.Equal(t, "1", refusals.Get("other").String())
}

func TestCookbook_Stop(t *testing.T) {
	t.Parallel()
	svc, pool := newService(t, session.Config{})
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	require.NoError(t, stop(t.Context(), server.Config, svc, pool))
	_, err := svc.Create(t.Context(), "ada")
	require.ErrorIs(t, err, errors.ErrClosed)
}

func TestCookbook_AccountClosedMeanwhile(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t, session.Config{})
	for _, open := range []bool{true, false} {
		router := gin.New()
		var got error
		router.POST("/login", func(c *gin.Context) {
			got = signInUser(c, svc, "ada", func(context.Context, string) (bool, error) { return open, nil })
		})
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", http.NoBody))
		list, err := svc.List(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, list, 1) // the first one's
		if open {
			require.NoError(t, got)
		} else {
			require.ErrorIs(t, got, errAccountClosed)
		}
	}
}

// The fourth device is refused, and gets in by ending one that its user chooses.
func TestCookbook_Limit(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t, session.Config{MaxSessions: session.LimitConfig{N: 3, Policy: session.RefuseNew}})
	router := gin.New()
	router.POST("/login", func(c *gin.Context) {
		if err := signInWithin(c, svc, "ada", c.Query("end")); err != nil {
			middleware.Abort(c, svc, err)
		}
	})
	signIn := func(query string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/login"+query, nil))
		return w
	}
	for range 3 {
		require.Equal(t, http.StatusOK, signIn("").Code)
	}
	refused := signIn("")
	require.Equal(t, http.StatusConflict, refused.Code)
	var list struct{ Sessions []struct{ Handle string } }
	require.NoError(t, json.Unmarshal(refused.Body.Bytes(), &list))
	require.Len(t, list.Sessions, 3)
	require.Equal(t, http.StatusOK, signIn("?end="+list.Sessions[1].Handle).Code)
	left, err := svc.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, left, 3)
	require.NotContains(t, handlesOf(left), list.Sessions[1].Handle)
}

func TestCookbook_EndBefore(t *testing.T) {
	t.Parallel()
	clock := sessiontest.NewClock(time.Now())
	svc, _ := newService(t, session.Config{Now: clock.Now})
	for _, user := range []string{"ada", "bob"} {
		_, err := svc.Create(t.Context(), user)
		require.NoError(t, err)
	}
	own, err := svc.Create(t.Context(), "operator")
	require.NoError(t, err)
	clock.Advance(time.Minute)
	breakIn := clock.Now()
	clock.Advance(time.Hour)
	for _, sure := range []bool{false, true} {
		count, err := endBefore(t.Context(), svc, breakIn, own.Session.Handle(), sure)
		require.NoError(t, err)
		require.Equal(t, 2, count)
	}
	rest, err := svc.Sessions(t.Context(), session.Filter{All: true}, "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{own.Session.Handle()}, handlesOf(rest.Sessions))
}
