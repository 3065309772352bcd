package servers

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
	_ "github.com/go-sql-driver/mysql" // the driver that mysqlstore's README names
)

// SCS is alexedwards/scs around Gin, with the session in a table.
func SCS(ctx context.Context, dsn string) (http.Handler, error) {
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	bound(pool)
	// The schema that mysqlstore's README asks for.
	for _, statement := range []string{
		"CREATE TABLE sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL)",
		"CREATE INDEX sessions_expiry_idx ON sessions (expiry)",
	} {
		if _, err = pool.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	manager := scs.New()
	manager.Store = mysqlstore.New(pool)
	return manager.LoadAndSave(scsRoutes(manager)), nil
}

func scsRoutes(manager *scs.SessionManager) http.Handler {
	const user = "user"
	router := newRouter()
	router.POST(LoginPath, func(c *gin.Context) {
		// A new token at a change of rights, as the README asks for.
		if err := manager.RenewToken(c.Request.Context()); err != nil {
			fail(c, err)
			return
		}
		manager.Put(c.Request.Context(), user, c.Query("user"))
		answerLogin(c)
	})
	check := func(c *gin.Context) {
		if !manager.Exists(c.Request.Context(), user) {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}
	router.GET(MePath, check, func(c *gin.Context) {
		answerMe(c, manager.GetString(c.Request.Context(), user))
	})
	return router
}
