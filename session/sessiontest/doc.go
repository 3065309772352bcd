// Package sessiontest tests handlers that need a session.
//
// [New] makes a [Kit]: a session service on a store in memory, with a clock that
// moves only when told to. Nothing in it slips a session past verification:
// users sign in with real tokens, and the handler's own middleware checks them.
//
// # One request
//
// [Kit.Login] puts a signed-in user onto a request, here for a Gin router with
// middleware.Verify on the route:
//
//	func TestDeletePost(t *testing.T) {
//		kit := sessiontest.New(t, session.Config{})
//		router := newRouter(kit.Service) // the application's own
//
//		r := httptest.NewRequest(http.MethodDelete, "/posts/1", nil)
//		editor := map[string]string{"role": "editor"}
//		kit.Login(t, r, "alice", session.WithPayload(editor))
//		w := httptest.NewRecorder()
//		router.ServeHTTP(w, r)
//		if w.Code != http.StatusNoContent {
//			t.Errorf("status %d: %s", w.Code, w.Body)
//		}
//	}
//
// # A browser and its front end
//
// [Kit.Client] is one user's browser: it keeps cookies, sends the anti-CSRF token,
// and refreshes when it is told to, like the npm package supertokens-website. The
// handler is the whole application, with the refresh route:
//
//	func TestDraftOutlivesTheToken(t *testing.T) {
//		kit := sessiontest.New(t, session.Config{})
//		alice := kit.Client(t, newRouter(kit.Service))
//		alice.Login("alice")
//		alice.Post("/draft", `{"text":"hello"}`)
//
//		kit.Expire() // the next request is told to refresh, and does
//		if w := alice.Get("/draft"); w.Code != http.StatusOK {
//			t.Errorf("status %d: %s", w.Code, w.Body)
//		}
//	}
//
// # A browser without scripts
//
// With WithoutScripts the client is a browser in which pages from the server are shown.
// It follows their redirects, and [Client.At] tells where it is:
//
//	func TestCartAsksForASignIn(t *testing.T) {
//		kit := sessiontest.New(t, session.Config{ConcurrentRefreshWindow: 10 * time.Second})
//		ada := kit.Client(t, newRouter(kit.Service))
//		ada.WithoutScripts = true
//		ada.Get("/cart")
//		if ada.At() != "/login?to=%2Fcart" {
//			t.Error(ada.At())
//		}
//		ada.Submit(ada.At(), url.Values{"user": {"ada"}, "password": {"…"}})
//		kit.Expire() // the next page comes back refreshed
//		if w := ada.Get("/cart"); w.Code != http.StatusOK || ada.At() != "/cart" {
//			t.Errorf("status %d at %s: %s", w.Code, ada.At(), w.Body)
//		}
//	}
//
// # A thief
//
// [Kit.Steal] copies a client with all it has. When both have refreshed, the theft
// is found out, once, and both are out:
//
//	thief := kit.Steal(alice)
//	kit.Expire()
//	alice.Get("/draft")
//	thief.Get("/draft") // 401
//	thefts := kit.Events(session.EventTheft)
//
// The examples below are these tests in full, for Gin and for net/http alone. The
// package imports no router and no assertions.
package sessiontest
