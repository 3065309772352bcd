// Package middleware puts sessions into Gin: [Verify] in front of protected
// routes, [Create] in the handler that signs somebody in.
//
//	refresh.Mount(router, svc)
//	router.POST("/login", signIn) // calls middleware.Create
//	router.Use(middleware.Verify(svc))
//	router.GET("/me", func(c *gin.Context) {
//		sess := c.MustGet(middleware.Key).(*session.Session)
//		c.JSON(http.StatusOK, gin.H{"userId": sess.UserID()})
//	})
//
// MustGet panics on a route without [Verify] in front of it; [Session] tells
// whether there is a session.
//
// # Order
//
// Recovery and CORS first, then [Verify], then what reads the session. Requests
// to the routes that refresh.Mount has made pass [Verify] wherever it stands.
//
// # Answers
//
// A request without a session is answered from the table in package errors;
// [OnError] puts an answer of the application's own in its place, and [Abort]
// gives the answer in a handler.
//
// Everything but [OnError] does for Gin what a function of package session does.
// For another router make a middleware of session.Service.Exchange.
package middleware
