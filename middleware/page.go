package middleware

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Page says where pages send people whom they cannot show to. Both are paths of this
// origin, as browsers know them.
type Page struct {
	// Login is the sign-in page, which must not be behind VerifyPage. ReturnTo tells
	// it where people go afterwards; with reason=theft in its query it has to say that
	// a stolen token ended the session.
	Login string
	// Reauth is where those are sent who are signed in and have to prove it again;
	// default Login.
	Reauth string
}

// VerifyPage is Verify for pages from the server: templates, plain forms, HTMX. They
// need no script. Where the access token has expired, the browser is sent to the
// refresh route and comes back; a form's request comes along, with its body. Where
// there is no session, people are sent to page.Login.
//
//	refresh.Mount(router, svc, refresh.Pages("/login"))
//	pages := router.Group("/", middleware.VerifyPage(svc, middleware.Page{Login: "/login"}))
//
// Forms need no anti-CSRF token, whatever Config.AntiCSRF.Mode is: browsers say who
// asks (see session.AntiCSRFViaFetchMetadata), and a foreign page's form gets 403. GETs
// must change nothing.
//
// While the database is away people get a short page with 503, and stay signed in:
// OnError puts a page of the application's in its place. Front ends of npm and HTMX may
// use the same routes. Answers have "Cache-Control: private, no-store", unless the
// handler says otherwise: then "back" after a sign-out shows nothing.
//
// A request whose token has expired is answered before its body is read, so that an
// upload is sent three times. What a script sends as a stream cannot be sent again.
//
// It panics at once where it could not work: without Config.ConcurrentRefreshWindow,
// with a Config.Cookie.AccessPath that does not cover RefreshPath, or without a Login.
// A Login that is itself behind VerifyPage is answered with 500, and so is a Reauth
// that asks for the proof that it is for.
func VerifyPage(svc *session.Service, page Page, opts ...session.VerifyOption) gin.HandlerFunc {
	return verifyPage(svc, "middleware.VerifyPage", page, opts)
}

// VerifyPageOptional is VerifyPage for pages that visitors see too. An expired token
// takes the same way; if it turns out that the session is over, the tokens are taken
// away and the page is shown without a session.
func VerifyPageOptional(svc *session.Service, page Page, opts ...session.VerifyOption) gin.HandlerFunc {
	opts = append([]session.VerifyOption{session.Optional()}, opts...)
	return verifyPage(svc, "middleware.VerifyPageOptional", page, opts)
}

func verifyPage(svc *session.Service, function string, p Page, opts []session.VerifyOption) gin.HandlerFunc {
	to := session.Site(p)
	ginroute.MustShow(svc, function, to, opts)
	return func(c *gin.Context) {
		switch {
		case isPreflight(c.Request):
			c.AbortWithStatus(http.StatusNoContent)
		case isMounted(c, svc):
			c.Next()
		default:
			within(c, svc, func(x *session.Exchange) (*session.Session, error) { return x.VerifyPage(to, opts...) })
		}
	}
}

// ReturnTo is where a handler of the sign-in page sends people: the page that they
// wanted, which VerifyPage has put into the parameter to and a form may repeat in a
// field of that name, or "/". It is a path of this origin, whatever somebody has put
// there: answer with c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c)). For
// attackers' links it is "/", and it never is the path of the request itself.
func ReturnTo(c *gin.Context) string {
	return page.ReturnTo(c.Request, func() string { return c.PostForm(page.ToParam) })
}
