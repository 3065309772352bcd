// Package rig is what the tests of this module share: the application, clients that talk
// to it over HTTPS, a crowd of them that puts load on it, databases that break, and the
// checker of what must hold afterwards.
//
// # The application
//
// [App] is a Gin application on the kit, as its users write them. [Start] has it serve;
// [Story] is for tests that move the clock themselves. Beside the kit's refresh and
// sign-out routes it has these, whose answers are JSON:
//
//	GET, POST /login    signs ?user= in, or the user of the body, with payload and data
//	GET /me, POST /act  user, handle and payload
//	GET /strict         the same, revocation being asked for
//	GET /visitor        the same, or the user "visitor" where nobody is signed in
//	GET, PUT /data      the session's data; PUT takes ?value= or the body
//	POST /revoke        ends the session
//	POST /revoke-all    ends all sessions of the user
//
// A test adds routes of its own, and what runs in front of all of them, by
// AppConfig.Routes. The [Ledger] counts events, thefts and the handlers that ran.
//
// # Clients
//
// [Jar] is what a browser or a native app keeps, and makes a [Request] out of it, which
// [App.Do] or a [Client] carries: once, twice, late or never, as the test likes.
// [Browser] does it all at once, as a page's script does.
package rig
