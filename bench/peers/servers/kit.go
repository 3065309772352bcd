package servers

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Kit is this library as its README sets it up.
func Kit(ctx context.Context, dsn string) (http.Handler, error) {
	db, err := openGORM(dsn)
	if err != nil {
		return nil, err
	}
	store, err := gormstore.New(db, gormstore.Config{})
	if err != nil {
		return nil, err
	}
	if err = store.Migrate(ctx); err != nil {
		return nil, err
	}
	svc, err := session.New(ctx, store, session.Config{
		Cookie: session.CookieConfig{RefreshPath: RefreshPath, Insecure: true}, // plain HTTP on loopback
	})
	if err != nil {
		return nil, err
	}
	router := newRouter()
	refresh.Mount(router, svc)
	router.POST(LoginPath, func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, c.Query("user")); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		answerLogin(c)
	})
	router.GET(MePath, middleware.Verify(svc), func(c *gin.Context) {
		answerMe(c, c.MustGet(middleware.Key).(*session.Session).UserID())
	})
	return router, nil
}
