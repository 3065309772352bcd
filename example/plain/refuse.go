package plain

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// refuse answers errors with a page of the shop. The kit asks for it where it does not
// send the browser to another page by itself (middleware.OnError).
func (s *shop) refuse(c *gin.Context, err error) bool {
	switch {
	case errors.Is(err, errors.ErrTryRefreshToken):
		s.sendTo(c, Root) // while a handler ran, another tab has refreshed
	case errors.Is(err, errors.ErrUnauthorised):
		s.sendTo(c, LoginPath) // while a handler ran, the session has ended
	case errors.Is(err, errors.ErrUnavailable):
		c.Header("Retry-After", "5")
		s.problem(c, http.StatusServiceUnavailable, "Closed for a moment",
			"The shop cannot reach its database. You are still signed in, and nothing in your cart is lost: please try again in a moment.")
	case errors.Is(err, errors.ErrCrossOrigin):
		s.problem(c, http.StatusForbidden, "Not from here",
			"Another site has sent your browser here with a form of its own. Nothing was changed.")
	case errors.Is(err, errors.ErrInvalidClaim):
		s.problem(c, http.StatusForbidden, "Not allowed", "You may not see this page.")
	default:
		s.problem(c, http.StatusInternalServerError, "Something went wrong", "It is our fault. Please try again later.")
	}
	return true
}

func (s *shop) sendTo(c *gin.Context, path string) {
	if isHTMX(c) {
		c.Header("HX-Redirect", path)
		c.Status(http.StatusNoContent)
		c.Writer.WriteHeaderNow()
		return
	}
	c.Redirect(http.StatusSeeOther, path)
}

// problem is an error as people read it: a page, or a line in the page that HTMX has.
func (s *shop) problem(c *gin.Context, status int, title, text string) {
	about := gin.H{"Text": text}
	if isHTMX(c) {
		c.Header("HX-Retarget", "#problem")
		c.Header("HX-Reswap", "innerHTML")
		s.fragment(c, status, "trouble", about)
		return
	}
	// Whoever has no database has no cart to count either.
	s.render(c, status, "problem", view{Title: title, Page: about, Bare: true})
}

func (s *shop) notFound(c *gin.Context) {
	s.problem(c, http.StatusNotFound, "There is no such thing", "The shop has never sold it.")
}

func (s *shop) badForm(c *gin.Context) {
	s.problem(c, http.StatusBadRequest, "That was no form of ours", "Nothing was changed.")
}
