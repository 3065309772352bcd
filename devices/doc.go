// Package devices holds the Gin routes of a page "where am I signed in":
//
//	devices.Mount(router.Group("/auth"), svc, devices.Config{})
//
// It answers in JSON; the page is the application's. All routes are about the
// sessions of the user who asks, and of nobody else:
//
//	GET    /auth/sessions                the list
//	DELETE /auth/sessions/:id            ends one
//	POST   /auth/sessions/revoke-others  ends all but this one
//	PATCH  /auth/sessions/:id            gives one a name
//
// # The list
//
// The oldest session comes first:
//
//	{"sessions": [{
//		"id": "06h1ca850ek0pv9rvb8117t55o",
//		"current": true,
//		"label": "kitchen tablet",
//		"device": {"browser": "Firefox", "os": "Linux", "kind": "desktop"},
//		"ip": "192.0.2.0",
//		"createdAt": "2026-01-01T12:00:00Z",
//		"lastUsedAt": "2026-01-03T08:15:30.5Z",
//		"expiresAt": "2026-04-13T08:15:30.5Z"
//	}]}
//
// The id names a session and is no credential; tokens and their hashes are in no
// answer. label is the user's, and empty at first. ip is as much of the address as
// session.Config.IPAddresses lets be stored, and may be empty. lastUsedAt moves about
// once in the life of an access token, an hour, so it cannot say who is active now:
// requests write nothing. expiresAt is when the session ends if it is not used.
//
// Times are those of RFC 3339, in UTC.
//
// # Devices
//
// device is a reading of the user agent at sign-in, in words for people. browser and
// os are empty where nothing is known. An unknown program has the name it gives
// itself, of up to 40 letters, digits and signs. kind is "desktop", "mobile",
// "tablet", "bot" for what crawls or drives a browser by itself, or "other":
// televisions, consoles, programs such as curl, and what cannot be told. Browsers may
// say what they like: an iPad says that it is a Mac, and Brave that it is Chrome.
// Decide nothing by it.
//
// # Many sessions
//
// An answer has up to 1000 sessions. Where there are more, it has "after" beside
// "sessions", and GET /auth/sessions?after=… goes on from there; ?limit=… asks for
// fewer. The newest come last, so a page reads on until there is no "after": a thief's
// session is among them.
//
// # Ending and naming
//
// DELETE answers 204, and 404 for a session that does not exist, has ended or is
// somebody else's, which look the same. The session that asks may end itself: that is a
// sign-out, and its cookies are cleared.
//
// revoke-others answers {"revoked": n}. It goes on when the client hangs up. A thief
// who shares the session that asks stays in: see session.Service.RevokeOthers.
//
// PATCH takes {"label": "kitchen tablet"} and answers 204, or 404 as DELETE does. An
// empty label takes the name away. What is no label (see session.Service.SetLabel) is
// 400 and changes nothing. A label is text that a user typed: pages write it as text
// (textContent, html/template) and never as HTML.
//
// # Safety
//
// Every route verifies the session, as middleware.Verify does: unsafe methods need the
// anti-CSRF proof, and front ends from npm send it. Each looks at the database first
// (session.RevokeImmediately): whoever was thrown out by this very page must not throw
// out others with what is left of an access token. [Config].Verify changes that, or
// demands more.
//
// Do not demand a recent sign-in for the list. Users who come to look for a thief would
// have to sign in first, which makes one session more to wonder about.
//
// Errors are answered as by middleware.Abort: 401 for front ends to refresh, 503 when
// the database is away. No answer may be kept by a cache.
//
// They write: put the application's own rate limit in front of them.
//
// A page of another origin needs DELETE and PATCH among its CORS methods.
package devices
