package plain

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// password is everybody's: the page says so. An application has one for each user, as
// a hash, and counts the wrong ones.
const password = "plain"

// browserLife is how long a session lives that is not to be kept.
const browserLife = 12 * time.Hour

// loginPage is what the form shows.
type loginPage struct {
	Name, To, Problem string
	Keep              bool
	// Theft: the session has ended because somebody else had a copy of it.
	Theft    bool
	Password string
}

func (s *shop) showLogin(c *gin.Context) {
	s.show(c, http.StatusOK, "login", "Sign in", loginPage{
		To: middleware.ReturnTo(c), Theft: c.Query("reason") == "theft", Password: password, Keep: true,
	})
}

// signIn checks the password and starts the user's session, with what the visitor had
// in the cart.
func (s *shop) signIn(c *gin.Context) {
	page := loginPage{
		Name: strings.TrimSpace(c.PostForm("name")), To: middleware.ReturnTo(c), Password: password, Keep: c.PostForm("keep") != "",
	}
	switch {
	case page.Name == "" || len(page.Name) > 64:
		page.Problem = "Please give a name, of up to 64 characters."
	case !isPassword(c.PostForm("password")):
		page.Problem = "That is not the password."
	}
	if page.Problem != "" {
		// Not 401, which tells front ends that the session is over.
		s.show(c, http.StatusUnprocessableEntity, "login", "Sign in", page)
		return
	}
	if err := s.start(c, page.Name, page.Keep); err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	c.Redirect(http.StatusSeeOther, within(page.To))
}

// start makes the visitor's session the user's: it goes on under new tokens, so that
// whoever gave a visitor a session of theirs has nothing of it, and what is in the cart
// comes along. Where there is no visitor's session it makes a new one.
func (s *shop) start(c *gin.Context, user string, keep bool) error {
	life := append(s.lifetime(keep), session.Authenticated("pwd"))
	sess, ok := middleware.Session(c)
	if !ok || !sess.Anonymous() {
		_, err := middleware.Create(c, s.svc, user, life...)
		return err
	}
	opts := []session.ReplaceOption{session.As(user), session.MergeData(keepCart)}
	for _, opt := range life {
		opts = append(opts, opt)
	}
	_, err := sess.Replace(c.Request.Context(), opts...)
	return err
}

// keepCart is what a user keeps of a visitor's data: the things that there still are.
func keepCart(visitor json.RawMessage) (any, error) {
	all, err := readCart(visitor)
	if err != nil {
		return nil, err
	}
	mine := cart{}
	mine.merge(all)
	return mine, nil
}

// lifetime is what "keep me signed in" means: without it the session ends with the
// browser. A browser that brings its tabs back brings cookies back too, so the server
// has an end of its own.
func (s *shop) lifetime(keep bool) []session.CreateOption {
	if keep {
		return nil
	}
	return []session.CreateOption{session.BrowserSession(), session.WithLifetime(0, browserLife)}
}

func isPassword(text string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(password)) == 1
}

// within is a page of the shop: the rest of the program is no place to return to.
func within(to string) string {
	if to == Root || strings.HasPrefix(to, Root+"/") || strings.HasPrefix(to, Root+"?") {
		return to
	}
	return Root
}

func (s *shop) showReauth(c *gin.Context) {
	s.show(c, http.StatusOK, "confirm", "Is it still you?", loginPage{To: middleware.ReturnTo(c), Password: password})
}

// reauth has the user prove it again. The session goes on under new tokens, so that
// whoever had a copy of the old ones has proven nothing.
func (s *shop) reauth(c *gin.Context) {
	to, sess := middleware.ReturnTo(c), current(c)
	if !isPassword(c.PostForm("password")) {
		s.show(c, http.StatusUnprocessableEntity, "confirm", "Is it still you?",
			loginPage{To: to, Password: password, Problem: "That is not the password."})
		return
	}
	if _, err := middleware.Reauthenticate(c, s.svc, sess.UserID(), session.Authenticated("pwd")); err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	c.Redirect(http.StatusSeeOther, within(to))
}
