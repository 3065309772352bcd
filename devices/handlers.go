package devices

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

const (
	// maxPage is as many as one statement reads. It is the default too: whoever does
	// not read on would miss the newest sessions.
	maxPage = 1000
	// maxBody is a label in its longest writing, 12 bytes for each of 64 characters,
	// and what is around it.
	maxBody = 2 << 10
	// endTimeout is what ending all other sessions may take. It is time for hundreds of
	// thousands.
	endTimeout = time.Minute
)

// What a client did wrong. The texts name what is to be mended.
const (
	noSession   = "no such session"
	badLabel    = "label: want up to 64 characters of UTF-8 without control characters"
	badBody     = `body: want {"label": "…"}, in UTF-8 and up to 2 KiB`
	badPosition = "after or limit: want after as it came with a page, and limit from 1 to 1000"
)

type handlers struct{ svc *session.Service }

// of is the route of fn, for a request that has a session.
func (h handlers) of(fn func(*gin.Context, *session.Session) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		sess, ok := middleware.Session(c)
		if !ok { // Config.Verify lets visitors pass
			middleware.Abort(c, h.svc, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing))
			return
		}
		c.Header("Cache-Control", "no-store")
		c.Header("X-Content-Type-Options", "nosniff")
		if err := fn(c, sess); err != nil {
			middleware.Abort(c, h.svc, err)
		}
	}
}

// answer is a session as the list shows it.
type answer struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Label      string    `json:"label"`
	Device     client    `json:"device"`
	IP         string    `json:"ip"`
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

func (h handlers) list(c *gin.Context, sess *session.Session) error {
	limit := maxPage
	if text, given := c.GetQuery("limit"); given {
		limit, _ = strconv.Atoi(text) // what is no number becomes 0, which ListPage refuses
	}
	page, err := h.svc.ListPage(c.Request.Context(), sess.UserID(), c.Query("after"), limit)
	switch {
	case errors.Is(err, errors.ErrInvalidInput):
		refuse(c, http.StatusBadRequest, badPosition)
		return nil
	case err != nil:
		return err
	}
	sessions := make([]answer, len(page.Sessions))
	for i, device := range page.Sessions {
		sessions[i] = answer{
			ID: device.Handle, Current: device.Handle == sess.Handle(), Label: device.Label,
			Device: clientOf(device.UserAgent), IP: device.IP,
			CreatedAt: device.CreatedAt.UTC(), LastUsedAt: device.LastUsedAt.UTC(), ExpiresAt: device.ExpiresAt.UTC(),
		}
	}
	c.JSON(http.StatusOK, struct {
		Sessions []answer `json:"sessions"`
		After    string   `json:"after,omitempty"`
	}{sessions, page.After})
	return nil
}

// end ends one session. The id comes from a client: whose the session is, the
// statement asks.
func (h handlers) end(c *gin.Context, sess *session.Session) error {
	ctx, id := c.Request.Context(), c.Param("id")
	if id == sess.Handle() {
		if err := sess.Revoke(ctx); err != nil {
			return err
		}
		c.Status(http.StatusNoContent)
		return nil
	}
	ended, err := h.svc.RevokeOf(ctx, sess.UserID(), id)
	return done(c, ended, err)
}

// name gives one session a label.
func (h handlers) name(c *gin.Context, sess *session.Session) error {
	label, ok := readLabel(c)
	if !ok {
		refuse(c, http.StatusBadRequest, badBody)
		return nil
	}
	named, err := h.svc.SetLabel(c.Request.Context(), sess.UserID(), c.Param("id"), label)
	if errors.Is(err, errors.ErrInvalidInput) {
		refuse(c, http.StatusBadRequest, badLabel)
		return nil
	}
	return done(c, named, err)
}

func readLabel(c *gin.Context) (label string, ok bool) {
	text, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	var body struct {
		Label *string `json:"label"`
	}
	// JSON is UTF-8 (RFC 8259, section 8.1); encoding/json would mend what is not.
	if err != nil || !utf8.Valid(text) || json.Unmarshal(text, &body) != nil || body.Label == nil {
		return "", false
	}
	return *body.Label, true
}

// endOthers goes on when the client hangs up: who leaves the page after the click wants
// the others out all the same.
func (h handlers) endOthers(c *gin.Context, sess *session.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), endTimeout)
	defer cancel()
	n, err := h.svc.RevokeOthers(ctx, sess.UserID(), sess.Handle())
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"revoked": n})
	return nil
}

// done answers what concerned one session of the user's. One that is not there and one
// that is somebody else's look the same.
func done(c *gin.Context, found bool, err error) error {
	switch {
	case err != nil:
		return err
	case !found:
		refuse(c, http.StatusNotFound, noSession)
	default:
		c.Status(http.StatusNoContent)
	}
	return nil
}

func refuse(c *gin.Context, status int, message string) {
	c.AbortWithStatusJSON(status, gin.H{"message": message})
}
