package plain

import (
	"encoding/json"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

func reauthenticate(c *gin.Context, svc *session.Service, user string, opts ...session.CreateOption) (*session.Session, error) {
	var data json.RawMessage
	if err := current(c).Data(c.Request.Context(), &data); err != nil {
		return nil, err
	}
	return middleware.Create(c, svc, user, append(opts, session.WithData(data))...)
}
