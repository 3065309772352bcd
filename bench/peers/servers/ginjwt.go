package servers

import (
	"context"
	"net/http"

	jwt "github.com/appleboy/gin-jwt/v2"
	"github.com/gin-gonic/gin"
)

// GinJWT is appleboy/gin-jwt with HS256, its default, and its token in a cookie.
func GinJWT(context.Context, string) (http.Handler, error) {
	const identity = "id"
	auth, err := jwt.New(&jwt.GinJWTMiddleware{
		Realm: "peers", Key: key(), Timeout: validity, MaxRefresh: validity, IdentityKey: identity,
		SendCookie: true, CookieHTTPOnly: true, TokenLookup: "cookie:jwt",
		Authenticator: func(c *gin.Context) (any, error) { return c.Query("user"), nil },
		PayloadFunc: func(data any) jwt.MapClaims {
			user, _ := data.(string)
			return jwt.MapClaims{identity: user}
		},
		IdentityHandler: func(c *gin.Context) any { return jwt.ExtractClaims(c)[identity] },
	})
	if err != nil {
		return nil, err
	}
	router := newRouter()
	router.POST(LoginPath, auth.LoginHandler)
	router.GET(MePath, auth.MiddlewareFunc(), func(c *gin.Context) { answerMe(c, c.GetString(identity)) })
	return router, nil
}
