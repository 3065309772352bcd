package servers

import (
	"context"
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	gormstore "github.com/gin-contrib/sessions/gorm"
	"github.com/gin-gonic/gin"
)

// CookieStore is gin-contrib/sessions with the whole session in a signed cookie.
func CookieStore(context.Context, string) (http.Handler, error) {
	return contrib(cookie.NewStore(key())), nil
}

// GORMStore is gin-contrib/sessions with the session in a table.
func GORMStore(_ context.Context, dsn string) (http.Handler, error) {
	db, err := openGORM(dsn)
	if err != nil {
		return nil, err
	}
	return contrib(gormstore.NewStore(db, true, key())), nil
}

func contrib(store sessions.Store) http.Handler {
	const user = "user"
	router := newRouter()
	router.Use(sessions.Sessions("session", store))
	router.POST(LoginPath, func(c *gin.Context) {
		sess := sessions.Default(c)
		sess.Set(user, c.Query("user"))
		if err := sess.Save(); err != nil {
			fail(c, err)
			return
		}
		answerLogin(c)
	})
	check := func(c *gin.Context) {
		if sessions.Default(c).Get(user) == nil {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}
	router.GET(MePath, check, func(c *gin.Context) {
		id, _ := sessions.Default(c).Get(user).(string)
		answerMe(c, id)
	})
	return router
}
