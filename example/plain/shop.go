package plain

import (
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// shop has the handlers.
type shop struct {
	svc    *session.Service
	orders *orders
	pages  pages
}

// recent is how fresh a proof the dangerous page asks for. An application would say ten
// minutes; here one is to see it.
const recent = time.Minute

// Mount adds the shop to a router. The Service is one whose settings Config has made.
func Mount(router *gin.Engine, svc *session.Service) {
	s := &shop{svc: svc, orders: &orders{from: time.Now}, pages: parse()}
	site := middleware.Page{Login: LoginPath, Reauth: reauthPath}
	var (
		// Everybody: a visitor, a visitor with a cart, a user.
		open = middleware.VerifyPageOptional(svc, site)
		// Users only. Who was thrown out by the page of devices is out at once.
		user = middleware.VerifyPage(svc, site, session.RequireUser(), session.WithRevocation(session.RevokeImmediately))
		// Users who have just shown that it is they.
		proven = middleware.VerifyPage(svc, site, session.RequireUser(), session.RequireRecentAuth(recent),
			session.WithRevocation(session.RevokeImmediately))
	)
	pages := router.Group(Root, headers, middleware.OnError(s.refuse))
	s.mountStatic(pages)

	pages.GET("", open, s.shelf)
	pages.GET("/cart", open, s.showCart)
	pages.POST("/cart", open, s.putIn)
	pages.POST("/cart/quantity", open, s.setQuantity)
	pages.GET("/login", open, s.showLogin)
	pages.POST("/login", open, s.signIn)
	pages.GET("/bye", s.bye)

	pages.GET("/checkout", user, s.showCheckout)
	pages.POST("/checkout", user, s.buy)
	pages.GET("/account", user, s.account)
	pages.GET("/devices", user, s.devices)
	pages.POST("/devices/end", user, s.endDevice)
	pages.POST("/devices/end-others", user, s.endOthers)
	pages.GET("/confirm", user, s.showReauth)
	pages.POST("/confirm", user, s.reauth)
	pages.GET("/live", user, s.live)
	pages.POST("/live/quantity", user, s.liveQuantity)

	pages.GET("/delete", proven, s.showDelete)
	pages.POST("/delete", proven, s.deleteAccount)

	// Refresh and sign-out answer people too, by the same pages.
	refresh.Mount(pages, svc, refresh.Pages(LoginPath))
}

// signedIn is the session that the request has; of a visitor nil and false.
func signedIn(c *gin.Context) (sess *session.Session, user bool) {
	sess, ok := middleware.Session(c)
	return sess, ok && !sess.Anonymous()
}
