// Package session keeps users signed in: it creates, verifies, refreshes and
// revokes sessions over any [Store], and speaks net/http without any framework.
//
//	svc, err := session.New(ctx, store, session.Config{})
//	…
//	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
//		// The application has checked the password.
//		if _, err := svc.CreateHTTP(w, r, userID); err != nil {
//			svc.WriteError(w, r, err)
//		}
//	})
//	mux.Handle("GET /me", svc.Protect(http.HandlerFunc(me)))
//
// In me, [FromContext] finds the session.
//
// The store for MySQL, MariaDB, PostgreSQL and SQLite is package
// models/gormstore, one in memory is models/memstore. Gin applications use
// packages middleware and refresh, which are thin; nothing here needs them.
//
// # Two tokens
//
// A session has a short-lived access token, a JWT that is verified without the
// database, and a long-lived refresh token, which is opaque. A refresh hands
// out a child of the refresh token; the child replaces its parent when it is
// used for the first time, because only then is it certain that the client
// received it. So a lost answer costs nothing. A replaced token that turns up
// again gives a thief away: the session is revoked, and [Config].OnTheft is
// told.
//
// # Two tiers
//
// [Service.Create], [Service.Verify] and [Service.Refresh] take and return
// tokens as text, and leave it to the caller how they travel. Methods whose
// names end in HTTP read them from a request and write them to its response, as
// SuperTokens' front ends expect. Put [Service.Protect] around handlers, or
// make a middleware for another router of [Service.Exchange].
//
// # Payload and data
//
// The payload is JSON inside of the access token: a browser can read it, and so
// can every handler, without the database ([Session.Payload],
// [Session.MergePayload]). The data is JSON in the session's row, which no
// client sees ([Session.Data], [Session.ModifyData]). Package session/claim
// keeps facts about the user in the payload, such as roles, with their age;
// [WithClaims] demands them.
//
// # Answers
//
// What the client is to be told goes into the response header at the moment the
// header is written. After that it is too late: [Session.Sent] reports false.
// [Session.Detached] is for work that goes on after the request.
//
// # Errors
//
// Errors are those of package errors, each with its class and its reason.
// [Service.WriteError] answers with the status of the class; nothing but a
// session that is over takes a client's tokens away.
//
// # Safety
//
// The zero [Config] is the recommended one. Settings that weaken it begin with
// Insecure. A [Service] and a [Session] are safe for concurrent use. Their
// types print, log and encode without secrets.
package session
