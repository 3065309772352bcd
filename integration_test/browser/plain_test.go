//go:build e2e

package browser_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// The shop of the example in a browser in which no script runs: a visitor's cart, the
// sign-in, two hours, the checkout, and what "back" shows after the sign-out.
func TestPlain(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	shop := openPlain(t, plainSetting{})
	p := shop.browser(false)
	require.Equal(t, "/plain", p.open("/plain"))
	p.looks("shelf")
	p.press("#mug button", "/plain?added=mug")
	p.press("#mug button", "/plain?added=mug")
	p.press("#lamp button", "/plain?added=lamp")
	require.Contains(t, p.main(), "Desk lamp is in your cart.")
	p.looks("added")
	require.Equal(t, "/plain/cart", p.open("/plain/cart"))
	p.looks("cart")
	p.press(`.actions .primary`, "/plain/login?to=%2Fplain%2Fcheckout")
	p.looks("login")
	p.signIn("ada", true, "/plain/checkout")
	require.Contains(t, p.main(), "2 × Mug", "the cart survives the sign-in")
	p.looks("checkout")
	told.Add(1)

	shop.clock.Advance(2 * time.Hour)
	require.Equal(t, "/plain/cart", p.open("/plain/cart"), "a page, two hours later")
	require.Contains(t, p.main(), "Desk lamp")
	shop.clock.Advance(2 * time.Hour)
	p.press("li:first-child .remove button", "/plain/cart")
	require.NotContains(t, p.main(), "Mug", "a form, two hours later")
	p.press(`.actions .primary`, "/plain/checkout")
	p.do(chromedp.SendKeys(chromedp.CSS("#address"), "1 Analytical Lane\nLondon"))
	shop.clock.Advance(2 * time.Hour)
	p.press(".fields button", "/plain/account?bought=1")
	require.Contains(t, p.main(), "1 × Desk lamp")
	p.looks("account")
	told.Add(1)

	require.Zero(t, shop.thefts())
	require.Empty(t, p.exceptions())
	told.Add(1)
}

// After the sign-out "back" shows nothing, neither a page that the browser has kept nor
// one that it asks for.
func TestPlainBack(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	shop := openPlain(t, plainSetting{})
	p := shop.browser(false)
	p.open("/plain/login?to=/plain/account")
	p.signIn("ada", true, "/plain/account")
	require.Contains(t, p.main(), "This session")
	p.press(".out button", "/plain/login")
	p.back("/plain/login?to=%2Fplain%2Faccount")
	require.NotContains(t, p.main(), "This session")
	told.Add(1)
}

// The account: devices, the password that is asked again, and the end of it all.
func TestPlainAccount(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	shop := openPlain(t, plainSetting{})
	p, other := shop.browser(false), shop.browser(false)
	for _, b := range []*plainTab{p, other} {
		b.open("/plain/login?to=/plain/devices")
		b.signIn("ada", true, "/plain/devices")
	}
	p.open("/plain/devices")
	require.Contains(t, p.main(), "this browser")
	p.looks("devices")
	p.press(".devices li:nth-child(2) button", "/plain/devices?ended=one")
	require.Contains(t, p.main(), "That session has ended.")
	require.Equal(t, "/plain/login?to=%2Fplain%2Faccount", other.open("/plain/account"))
	told.Add(1)

	shop.clock.Advance(2 * time.Hour)
	p.open("/plain/account")
	p.press(".ways .danger", "/plain/confirm?to=%2Fplain%2Fdelete")
	p.looks("confirm")
	p.do(chromedp.SendKeys(chromedp.CSS("#password"), "wrong"))
	p.press(".fields button", "/plain/confirm")
	require.Contains(t, p.main(), "That is not the password.")
	p.looks("confirm-wrong")
	p.do(chromedp.SendKeys(chromedp.CSS("#password"), "plain"))
	p.press(".fields button", "/plain/delete")
	p.looks("delete")
	p.press(".strong", "/plain/bye")
	p.looks("bye")
	list, err := shop.svc.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, "/plain/login?to=%2Fplain%2Faccount", p.open("/plain/account"))
	require.Zero(t, shop.thefts())
	told.Add(1)
}

// Somebody copies the cookies. Who of the two comes second learns of it.
func TestPlainTheft(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	shop := openPlain(t, plainSetting{})
	victim, thief := shop.browser(false), shop.browser(false)
	victim.open("/plain/login?to=/plain/account")
	victim.signIn("ada", true, "/plain/account")
	stolen := victim.cookies(shop.url+"/plain", shop.url+"/plain/session/refresh")
	require.Len(t, stolen, 2)
	for _, c := range stolen {
		_, err := chromedp.Call(thief.ctx, network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path, HTTPOnly: new(true),
		})
		require.NoError(t, err)
	}
	shop.clock.Advance(2 * time.Hour)
	require.Equal(t, "/plain/account", thief.open("/plain/account"))
	shop.clock.Advance(2 * time.Hour)
	require.Equal(t, "/plain/login?reason=theft", victim.open("/plain/account"))
	require.Contains(t, victim.main(), "Somebody had a copy of your session")
	victim.looks("theft")
	require.Equal(t, "/plain/login?to=%2Fplain%2Faccount", thief.open("/plain/account"))
	require.Equal(t, 1, shop.thefts())
	told.Add(1)
}

// The database is away: a page says so, and afterwards all is as it was.
func TestPlainOutage(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	store := storetest.Faulty(memstore.New())
	shop := openPlain(t, plainSetting{store: store})
	p := shop.browser(false)
	p.open("/plain/login?to=/plain/account")
	p.signIn("ada", true, "/plain/account")
	shop.clock.Advance(2 * time.Hour)
	store.Arm(storetest.Fault{})
	p.open("/plain/account")
	require.Contains(t, p.main(), "You are still signed in")
	p.looks("closed")
	store.Arm()
	require.Equal(t, "/plain/account", p.open("/plain/account"))
	told.Add(1)
}

// "Keep me signed in", and not: what the browser forgets when it is closed are cookies
// without an end.
func TestPlainKeep(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	shop := openPlain(t, plainSetting{})
	for _, keep := range []bool{true, false} {
		p := shop.browser(false)
		p.open("/plain/login?to=/plain/account")
		p.signIn("ada", keep, "/plain/account")
		for range 3 {
			for _, c := range p.cookies(shop.url+"/plain", shop.url+"/plain/session/refresh") {
				require.Equal(t, !keep, c.Session, c.Name)
			}
			shop.clock.Advance(2 * time.Hour)
			require.Equal(t, "/plain/account", p.open("/plain/account"))
		}
		shop.clock.Advance(7 * time.Hour)
		at := p.open("/plain/account")
		if keep {
			require.Equal(t, "/plain/account", at)
		} else {
			require.Equal(t, "/plain/login?to=%2Fplain%2Faccount", at)
		}
	}
	told.Add(1)
}

// The script that the example embeds is npm's, of the version in the lock file: after a
// change of that, npm ci && npm run htmx.
func TestPlainHTMX_isNPMs(t *testing.T) {
	t.Parallel()
	for embedded, file := range map[string]string{"htmx.min.js": "dist/htmx.min.js", "htmx.LICENSE": "LICENSE"} {
		want, err := os.ReadFile(filepath.Join("node_modules/htmx.org", file)) //nolint:gosec // of the table above
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("../../example/plain/static", embedded)) //nolint:gosec // of the table above
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s: npm ci && npm run htmx", embedded)
	}
}

// The page with HTMX, in a browser whose scripts run: after the access token has
// expired, and after the session has ended.
func TestPlainHTMX(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	shop := openPlain(t, plainSetting{})
	p := shop.browser(true)
	p.open("/plain")
	p.press("#mug button", "/plain?added=mug")
	p.open("/plain/login?to=/plain/live")
	p.signIn("ada", true, "/plain/live")
	p.looks("live")
	loaded := p.evaluate(`String(performance.timeOrigin)`)
	for n, want := range []string{"€36.00", "€54.00"} {
		shop.clock.Advance(2 * time.Hour)
		p.do(chromedp.Click(chromedp.CSS("#more-mug")))
		p.shows("#lines .sum strong", want)
		require.Contains(t, p.text("#count"), []string{"2", "3"}[n])
	}
	require.Equal(t, loaded, p.evaluate(`String(performance.timeOrigin)`), "the page was not loaded anew")
	require.Equal(t, "more-mug", p.evaluate(`document.activeElement.id`), "the keyboard stays where it was")
	require.Empty(t, p.exceptions())
	require.NotContains(t, p.String(), "Content Security Policy")
	told.Add(1)

	_, err := shop.svc.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	p.press("#more-mug", "/plain/login")
	require.Zero(t, shop.thefts())
	told.Add(1)
}

// shows waits until an element says something.
func (p *plainTab) shows(selector, want string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return p.text(selector) == want }, patience, 20*time.Millisecond, "%s: want %s", selector, want)
}
