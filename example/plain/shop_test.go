package plain_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// A visitor looks around without a session; the first thing in the cart makes one, and
// the cart survives the sign-in, which nothing else of the visitor does.
func TestCart_survivesTheSignIn(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	for _, path := range []string{"/plain", "/plain/cart", "/plain/login"} {
		require.Contains(t, b.get(path).Text, "You have no session")
	}
	require.Empty(t, b.cookie("/plain", "sAccessTokenPlain"))
	p := b.post("/plain/cart", "id", "mug")
	require.Equal(t, "/plain?added=mug", p.Path)
	require.Contains(t, p.Text, "Mug is in your cart.")
	require.Contains(t, p.Text, "You are a visitor with a session")
	b.post("/plain/cart", "id", "lamp")
	b.post("/plain/cart/quantity", "id", "mug", "n", "3")
	visitor := b.cookie("/plain", "sAccessTokenPlain")

	p = b.get("/plain/checkout")
	require.Equal(t, "/plain/login?to=%2Fplain%2Fcheckout", p.Path)
	require.Contains(t, p.Text, "4 things in your cart will still be there.")
	p = b.signIn("ada", "to", "/plain/checkout")
	require.Equal(t, "/plain/checkout", p.Path)
	require.Contains(t, p.Text, "3 × Mug €54.00")
	require.Contains(t, p.Text, "Buy for €118.00")
	require.Equal(t, 1, r.sessions(t))

	// Who planted the visitor's cookies has nothing.
	thief := r.browser(t)
	u, err := url.Parse(r.url + "/plain")
	require.NoError(t, err)
	thief.jar.SetCookies(u, []*http.Cookie{{Name: "sAccessTokenPlain", Value: visitor, Path: "/plain"}})
	r.clock.Advance(2 * time.Hour)
	require.Contains(t, thief.get("/plain/account").Path, "/plain/login")

	p = b.send(http.MethodPost, "/plain/checkout", form("name", "Ada", "address", ""))
	require.Equal(t, http.StatusUnprocessableEntity, p.Status)
	require.Contains(t, p.Text, "Please fill in both.")
	p = b.post("/plain/checkout", "name", "Ada", "address", "1 Lane")
	require.Equal(t, "/plain/account?bought=1", p.Path)
	require.Contains(t, p.Text, "3 × Mug €54.00")
	require.Contains(t, b.get("/plain/cart").Text, "There is nothing in your cart yet.")
	require.Equal(t, "/plain/cart", b.get("/plain/checkout").Path)
}

// What a form may say, the attackers' rows first.
func TestForms(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	for _, to := range []string{"//evil.example", `/\evil`, "https://evil.example/plain", "/", "/api/me", "/plainly", "/plain/login"} {
		require.Equal(t, "/plain", b.signIn("ada", "to", to).Path, to)
	}
	require.Equal(t, 1, r.sessions(t), "each sign-in ended the session before it")
	p := b.send(http.MethodPost, "/plain/cart/quantity", form("id", "mug", "n", "1"), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	require.Equal(t, http.StatusForbidden, p.Status)
	require.Contains(t, p.Text, "Not from here")
	p = b.send(http.MethodPost, "/plain/login", form("name", "eve", "password", "plain"), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	require.Equal(t, http.StatusForbidden, p.Status, "a foreign page signs nobody in")
	require.Contains(t, b.get("/plain/cart").Text, "There is nothing in your cart yet.")
	for _, fields := range [][]string{{"id", "mug", "n", "many"}, {"id", "mug"}} {
		require.Equal(t, http.StatusBadRequest, b.send(http.MethodPost, "/plain/cart/quantity", form(fields...)).Status)
	}
	require.Equal(t, http.StatusNotFound, b.send(http.MethodPost, "/plain/cart", form("id", "yacht")).Status)
	b.post("/plain/cart/quantity", "id", "yacht", "n", "2")
	b.post("/plain/cart/quantity", "id", "mug", "n", "-2")
	require.Contains(t, b.get("/plain/cart").Text, "There is nothing in your cart yet.")
	b.post("/plain/cart/quantity", "id", "mug", "n", "1000000")
	require.Contains(t, b.get("/plain/cart").HTML, `value="20"`)

	for _, fields := range [][]string{
		{"name", "ada", "password", "wrong"}, {"name", " ", "password", "plain"}, {"name", strings.Repeat("a", 65), "password", "plain"}, {},
	} {
		p = r.browser(t).send(http.MethodPost, "/plain/login", form(fields...))
		require.Equal(t, http.StatusUnprocessableEntity, p.Status)
		require.Contains(t, p.HTML, `role="alert"`)
	}
	hostile := `"><script>alert(1)</script>`
	p = r.browser(t).send(http.MethodPost, "/plain/login", form("name", hostile, "password", "wrong"))
	require.NotContains(t, p.HTML, "<script")
}

// Two hours later a page and a form work as if nothing had been.
func TestTwoHoursLater(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	b.signIn("ada")
	r.clock.Advance(2 * time.Hour)
	require.Equal(t, "/plain/account", b.get("/plain/account").Path)
	r.clock.Advance(2 * time.Hour)
	require.Equal(t, "/plain?added=mug", b.post("/plain/cart", "id", "mug").Path)
	require.Contains(t, b.get("/plain/cart").Text, "Mug")
}

// "Keep me signed in" does what it says.
func TestKeepMeSignedIn(t *testing.T) {
	t.Parallel()
	r := open(t)
	kept, not := r.browser(t), r.browser(t)
	kept.signIn("ada")
	not.post("/plain/login", "name", "ada", "password", "plain")
	for range 3 {
		r.clock.Advance(3*time.Hour + 50*time.Minute)
		require.Equal(t, "/plain/account", not.get("/plain/account").Path)
	}
	r.clock.Advance(time.Hour)
	require.Equal(t, "/plain/login?to=%2Fplain%2Faccount", not.get("/plain/account").Path)
	r.clock.Advance(90 * 24 * time.Hour)
	require.Equal(t, "/plain/account", kept.get("/plain/account").Path)
}

// The list of devices, and its buttons.
func TestDevices(t *testing.T) {
	t.Parallel()
	r := open(t)
	one, two, three := r.browser(t), r.browser(t), r.browser(t)
	for _, b := range []*browser{one, two, three} {
		b.signIn("ada")
	}
	handles := regexp.MustCompile(`name="handle" value="([^"]+)"`).FindAllStringSubmatch(one.get("/plain/devices").HTML, -1)
	require.Len(t, handles, 3)
	stranger := r.browser(t)
	stranger.signIn("bob")
	stranger.post("/plain/devices/end", "handle", handles[1][1])
	require.Equal(t, 3, r.sessions(t))
	require.Contains(t, one.post("/plain/devices/end", "handle", handles[1][1]).Text, "That session has ended.")
	require.Equal(t, 2, r.sessions(t))
	require.Contains(t, one.post("/plain/devices/end-others").Text, "All other sessions have ended.")
	for _, b := range []*browser{two, three} {
		require.Contains(t, b.get("/plain/devices").Path, "/plain/login", "at once")
	}
	require.Equal(t, "/plain/login", one.post("/plain/devices/end", "handle", handles[0][1]).Path)
	require.Zero(t, r.sessions(t))
	require.Empty(t, one.cookie("/plain/session/refresh", "sRefreshTokenPlain"))
}

// The dangerous page asks for the password, unless that was given just now.
func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	r := open(t)
	b, other := r.browser(t), r.browser(t)
	b.signIn("ada")
	other.signIn("ada")
	b.post("/plain/cart", "id", "mug")
	require.Equal(t, "/plain/delete", b.get("/plain/delete").Path)
	r.clock.Advance(5 * time.Minute)
	p := b.get("/plain/delete")
	require.Equal(t, "/plain/confirm?to=%2Fplain%2Fdelete", p.Path)
	require.Contains(t, b.post("/plain/delete").Path, "/plain/confirm", "nor by a form that was loaded before")
	require.Equal(t, 2, r.sessions(t))
	p = b.send(http.MethodPost, "/plain/confirm", form("password", "wrong", "to", "/plain/delete"))
	require.Equal(t, http.StatusUnprocessableEntity, p.Status)
	require.Contains(t, p.Text, "That is not the password.")
	old := b.cookie("/plain", "sAccessTokenPlain")
	p = b.post("/plain/confirm", "password", "plain", "to", "/plain/delete")
	require.Equal(t, "/plain/delete", p.Path)
	require.NotEqual(t, old, b.cookie("/plain", "sAccessTokenPlain"))
	require.Contains(t, b.get("/plain/cart").Text, "Mug", "the session goes on")
	require.Equal(t, 2, r.sessions(t))
	require.Equal(t, "/plain/bye", b.post("/plain/delete").Path)
	require.Zero(t, r.sessions(t))
	require.Contains(t, b.get("/plain").Text, "You have no session")
	require.Contains(t, other.get("/plain/account").Path, "/plain/login")
}

// Sign-out by a form, and what is left of it.
func TestSignOut(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	b.signIn("ada")
	r.clock.Advance(2 * time.Hour)
	p := b.get("/plain/account")
	require.Contains(t, p.Header.Get("Cache-Control"), "no-store")
	r.clock.Advance(2 * time.Hour)
	require.Equal(t, "/plain/login", b.post("/plain/session/signout").Path)
	require.Zero(t, r.sessions(t))
	require.Equal(t, "/plain/login?to=%2Fplain%2Faccount", b.get("/plain/account").Path)
	require.Equal(t, "/plain/login", b.post("/plain/session/signout").Path, "twice")
}

// A stolen jar is found out, and the page says so.
func TestTheft(t *testing.T) {
	t.Parallel()
	r := open(t)
	victim, thief := r.browser(t), r.browser(t)
	victim.signIn("ada")
	steal(t, r, victim, thief)
	r.clock.Advance(2 * time.Hour)
	require.Contains(t, thief.get("/plain/account").Text, "ada")
	r.clock.Advance(2 * time.Hour)
	p := victim.get("/plain/account")
	require.Equal(t, "/plain/login?reason=theft", p.Path)
	require.Contains(t, p.Text, "Somebody had a copy of your session")
	require.Contains(t, thief.get("/plain/account").Path, "/plain/login")
	require.Zero(t, r.sessions(t))
}

// steal copies all cookies.
func steal(t *testing.T, r *rig, from, to *browser) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	for path, name := range map[string]string{"/plain": "sAccessTokenPlain", "/plain/session/refresh": "sRefreshTokenPlain"} {
		u, err := url.Parse(r.url + path)
		require.NoError(t, err)
		jar.SetCookies(u, []*http.Cookie{{Name: name, Value: from.cookie(path, name), Path: path}})
	}
	to.jar, to.http.Jar = jar, jar
}

// Without the database nobody is signed out, and the page says what is the matter.
func TestOutage(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	b.signIn("ada")
	r.store.Arm(storetest.Fault{})
	for _, path := range []string{"/plain", "/plain/account", "/plain/cart"} {
		p := b.send(http.MethodGet, path, nil)
		require.Equal(t, http.StatusServiceUnavailable, p.Status)
		require.NotEmpty(t, p.Header.Get("Retry-After"))
		require.Contains(t, p.Text, "You are still signed in")
	}
	r.clock.Advance(2 * time.Hour)
	p := b.send(http.MethodGet, "/plain/account", nil)
	require.Equal(t, http.StatusServiceUnavailable, p.Status)
	require.Contains(t, p.Text, "Closed for a moment")
	p = b.send(http.MethodPost, "/plain/live/quantity", form("id", "mug", "n", "1"), "HX-Request", "true", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty")
	require.Equal(t, http.StatusServiceUnavailable, p.Status)
	require.Equal(t, "#problem", p.Header.Get("HX-Retarget"))
	r.store.Arm()
	require.Equal(t, "/plain/account", b.get("/plain/account").Path)
}

// HTMX gets a part of a page, through the refresh too; and is sent to the sign-in page
// as a whole.
func TestLive(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	require.Equal(t, "/plain/login?to=%2Fplain%2Flive", b.get("/plain/live").Path)
	b.signIn("ada", "to", "/plain/live")
	b.post("/plain/cart", "id", "mug")
	p := b.get("/plain/live")
	require.Contains(t, p.Header.Get("Content-Security-Policy"), "script-src 'self'")
	htmx := []string{"HX-Request", "true", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}
	r.clock.Advance(2 * time.Hour)
	p = b.want(http.StatusOK, b.send(http.MethodPost, "/plain/live/quantity", form("id", "mug", "n", "2"), htmx...))
	require.True(t, strings.HasPrefix(strings.TrimSpace(p.HTML), `<div id="lines">`), p.HTML)
	require.Contains(t, p.Text, "€36.00")
	require.Equal(t, "/plain/live", b.post("/plain/live/quantity", "id", "mug", "n", "3").Path, "and without the script")

	_, err := r.svc.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	p = b.send(http.MethodPost, "/plain/live/quantity", form("id", "mug", "n", "4"), htmx...)
	require.Equal(t, http.StatusUnauthorized, p.Status)
	require.Equal(t, "/plain/login", p.Header.Get("HX-Redirect"))
}

// Every page lets no script run but the one with HTMX, and loads nothing from elsewhere.
func TestPages_areComplete(t *testing.T) {
	t.Parallel()
	r := open(t)
	b := r.browser(t)
	b.post("/plain/cart", "id", "mug")
	b.signIn("ada")
	assets := regexp.MustCompile(`(?:src|<link[^>]* href)="([^"]+)"`)
	seen := map[string]bool{}
	for _, path := range []string{
		"/plain", "/plain/cart", "/plain/login", "/plain/checkout", "/plain/account", "/plain/devices", "/plain/delete", "/plain/confirm", "/plain/bye", "/plain/live",
	} {
		p := b.get(path)
		policy := p.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.NotContains(t, policy, "unsafe")
		if path != "/plain/live" {
			require.NotContains(t, policy, "script", path)
			require.NotContains(t, p.HTML, "<script", path)
		}
		require.NotRegexp(t, `(?i)\son[a-z]+=|\sstyle=|javascript:`, p.HTML, path)
		require.Contains(t, p.HTML, "<h1>", path)
		for _, asset := range assets.FindAllStringSubmatch(p.HTML, -1) {
			seen[asset[1]] = true
		}
		for _, id := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(p.HTML, -1) {
			require.Equal(t, 1, strings.Count(p.HTML, ` id="`+id[1]+`"`), "%s: %s", path, id[1])
		}
	}
	for asset := range seen {
		require.True(t, strings.HasPrefix(asset, "/plain/static/"), asset)
		b.get(asset)
	}
	require.Greater(t, len(seen), 8)
}
