package middleware

import "github.com/gin-sessionkit/sessionkit/session"

// CORSAllowHeaders lists the request headers that front ends send, for the
// AllowHeaders of gin-contrib/cors when pages of another origin call the API:
//
//	router.Use(cors.New(cors.Config{
//		AllowOrigins:     []string{"https://app.example.com"},
//		AllowCredentials: true,
//		AllowMethods:     []string{"GET", "POST", "PUT", "PATCH", "DELETE"},
//		AllowHeaders:     middleware.CORSAllowHeaders(),
//		ExposeHeaders:    middleware.CORSExposeHeaders(),
//	}))
//	router.Use(middleware.Verify(svc)) // after CORS: its answers need the headers too
//
// Name every origin. With credentials browsers refuse the wildcard in any of
// these headers, and an origin that is merely echoed back lets any page act as the
// user. The kit itself never allows an origin.
func CORSAllowHeaders() []string { return session.AllowHeaders() }

// CORSExposeHeaders lists the response headers that front ends read, for the
// ExposeHeaders of gin-contrib/cors. Without it the kit names those that a
// response has, in that response.
func CORSExposeHeaders() []string { return session.ExposeHeaders() }
