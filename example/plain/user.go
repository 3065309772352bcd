package plain

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// current is the session of a route that demands one.
func current(c *gin.Context) *session.Session {
	return c.MustGet(middleware.Key).(*session.Session)
}

// checkoutPage is the form, with what was typed into it.
type checkoutPage struct {
	cartPage
	Name, Address, Problem string
}

func (s *shop) showCheckout(c *gin.Context) {
	s.withCart(c, func(page cartPage) {
		if len(page.Lines) == 0 {
			c.Redirect(http.StatusSeeOther, Root+"/cart")
			return
		}
		s.show(c, http.StatusOK, "checkout", "Checkout", checkoutPage{cartPage: page, Name: current(c).UserID()})
	})
}

// buy makes an order of the cart, once: of two tabs that send the form, the second
// finds the cart empty.
func (s *shop) buy(c *gin.Context) {
	name, address := strings.TrimSpace(c.PostForm("name")), strings.TrimSpace(c.PostForm("address"))
	if name == "" || address == "" {
		s.withCart(c, func(page cartPage) {
			s.show(c, http.StatusUnprocessableEntity, "checkout", "Checkout", checkoutPage{
				cartPage: page, Name: name, Address: address, Problem: "Please fill in both.",
			})
		})
		return
	}
	var bought cart
	err := changeCart(c, current(c), func(all cart) {
		bought = cart{}
		bought.merge(all)
		clear(all)
	})
	if err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	if bought.count() > 0 {
		s.orders.add(current(c).UserID(), bought)
	}
	c.Redirect(http.StatusSeeOther, Root+"/account?bought=1")
}

func (s *shop) account(c *gin.Context) {
	sess := current(c)
	s.show(c, http.StatusOK, "account", "Your account", gin.H{
		"Orders": s.orders.of(sess.UserID()), "Bought": c.Query("bought") != "", "Proven": sess.AuthenticatedAt(),
		"Since": sess.CreatedAt(), "Until": sess.ExpiresAt(),
	})
}

func (s *shop) showDelete(c *gin.Context) {
	s.show(c, http.StatusOK, "delete", "Delete your account", gin.H{"Orders": len(s.orders.of(current(c).UserID()))})
}

// deleteAccount ends all of the user's sessions, this one with its cookies.
func (s *shop) deleteAccount(c *gin.Context) {
	ctx, sess := c.Request.Context(), current(c)
	s.orders.forget(sess.UserID())
	_, err := s.svc.RevokeAll(ctx, sess.UserID())
	if err == nil {
		err = sess.Revoke(ctx) // it has ended: this clears the cookies
	}
	if err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	c.Redirect(http.StatusSeeOther, Root+"/bye")
}

func (s *shop) bye(c *gin.Context) { s.show(c, http.StatusOK, "bye", "Your account is gone", nil) }
