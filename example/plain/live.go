package plain

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// live is the cart with HTMX: the one page of the shop with a script.
func (s *shop) live(c *gin.Context) {
	s.withCart(c, func(page cartPage) { s.show(c, http.StatusOK, "live", "Cart, with HTMX", page) })
}

// liveQuantity answers HTMX with the part of the page that has changed. Without the
// script the same form loads the page anew.
func (s *shop) liveQuantity(c *gin.Context) {
	if !s.quantity(c, current(c)) {
		return
	}
	if !isHTMX(c) {
		c.Redirect(http.StatusSeeOther, Root+"/live")
		return
	}
	s.withCart(c, func(page cartPage) { s.fragment(c, http.StatusOK, "changed", page) })
}

// isHTMX reports whether a script puts the answer into a page.
func isHTMX(c *gin.Context) bool { return c.GetHeader("HX-Request") == "true" }
