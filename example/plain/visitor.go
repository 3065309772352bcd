package plain

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// cartOf is what a session has in its data. No session, nothing in the cart.
func cartOf(c *gin.Context, sess *session.Session) (cart, error) {
	all := cart{}
	if sess == nil {
		return all, nil
	}
	err := sess.Data(c.Request.Context(), &all)
	return all, err
}

// readCart is a cart from a session's data.
func readCart(data json.RawMessage) (cart, error) {
	all := cart{}
	if data == nil {
		return all, nil
	}
	err := json.Unmarshal(data, &all)
	return all, err
}

// changeCart changes the cart in a session's data. Two tabs may do it at once, so
// change may be called again, with what the other has written.
func changeCart(c *gin.Context, sess *session.Session, change func(cart)) error {
	return sess.ModifyData(c.Request.Context(), func(current json.RawMessage) (any, error) {
		all, err := readCart(current)
		if err != nil {
			return nil, err
		}
		change(all)
		return all, nil
	})
}

// putIn puts one thing into the cart. A visitor gets a session by it, and not before:
// each is a row, and whoever only looks needs none. (An application limits how often
// one address may do so: robots put things into carts.)
func (s *shop) putIn(c *gin.Context) {
	id := c.PostForm("id")
	if _, known := named(id); !known {
		s.notFound(c)
		return
	}
	sess, err := middleware.CreateAnonymous(c, s.svc) // the request's own, if it has one
	if err == nil {
		err = changeCart(c, sess, func(all cart) { all.add(id, 1) })
	}
	if err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	c.Redirect(http.StatusSeeOther, Root+"?added="+url.QueryEscape(id)+"#"+id)
}

// setQuantity has so many of a thing in the cart; none takes it out.
func (s *shop) setQuantity(c *gin.Context) {
	if sess, ok := middleware.Session(c); ok && !s.quantity(c, sess) {
		return
	}
	c.Redirect(http.StatusSeeOther, Root+"/cart")
}

// quantity does what the form says. It reports whether that went well; else it has
// answered.
func (s *shop) quantity(c *gin.Context, sess *session.Session) bool {
	n, err := strconv.Atoi(c.PostForm("n"))
	if err != nil {
		s.badForm(c)
		return false
	}
	if err := changeCart(c, sess, func(all cart) { all.set(c.PostForm("id"), n) }); err != nil {
		middleware.Abort(c, s.svc, err)
		return false
	}
	return true
}

func (s *shop) shelf(c *gin.Context) {
	added, _ := named(c.Query("added"))
	s.show(c, http.StatusOK, "shelf", "A plain shop", gin.H{"Goods": goods(), "Added": added})
}

// cartPage is what the pages with a cart show.
type cartPage struct {
	Lines            []line
	Sum, Count, Most int
}

func (s *shop) showCart(c *gin.Context) {
	s.withCart(c, func(page cartPage) { s.show(c, http.StatusOK, "cart", "Cart", page) })
}

// withCart has the request's cart shown, or answers.
func (s *shop) withCart(c *gin.Context, show func(cartPage)) {
	sess, _ := middleware.Session(c)
	all, err := cartOf(c, sess)
	if err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	lines, sum := all.lines()
	show(cartPage{Lines: lines, Sum: sum, Count: all.count(), Most: most})
}
