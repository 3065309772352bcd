//go:build e2e

package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// The page of the example program, as somebody who looks at it uses it: sign
// in, let the token run out, then let a thief try, from either side.
func TestExamplePage(t *testing.T) {
	t.Parallel()
	url := startExample(t, "-access-validity", "3s")
	t.Run("you are faster", func(t *testing.T) {
		p := openExample(t, url)
		p.signInAndExpire()
		p.watchTheft("#act-you", "example-thief-caught")
		require.Contains(t, p.text("#steps"), "The thief refreshes with the token it copied. Noticed!")
	})
	t.Run("the thief is faster", func(t *testing.T) {
		p := openExample(t, url)
		p.signInAndExpire()
		p.watchTheft("#act-thief", "example-victim-told")
		require.Contains(t, p.text("#steps"), "Your access token runs out, and your browser refreshes. Noticed!")
	})
	t.Run("devices", func(t *testing.T) {
		p := openExample(t, url)
		p.do(chromedp.WaitVisible(chromedp.CSS("#signed-out")), chromedp.Click(chromedp.CSS("#sign-in button[type=submit]")))
		p.do(chromedp.WaitVisible(chromedp.CSS("#devices li")), chromedp.Click(chromedp.CSS("#add-device")))
		p.do(chromedp.WaitVisible(chromedp.CSS("#devices li:nth-child(2)")))
		require.Contains(t, p.text("#devices li:nth-child(1)"), "this browser")
		const hostile = `<img src=x onerror="document.title='out'">`
		p.do(chromedp.Click(chromedp.CSS("#devices li:nth-child(2) button")), chromedp.WaitVisible(chromedp.CSS("#devices form")))
		p.screenshot("example-device-name")
		p.do(chromedp.SendKeys(chromedp.CSS("#devices input"), hostile+"\r"))
		p.do(chromedp.WaitNotPresent(chromedp.CSS("#devices form")))
		require.Equal(t, hostile, p.text("#devices li:nth-child(2) strong"))
		require.Equal(t, "0", p.evaluate(`String(document.querySelectorAll("#devices img").length)`))
		p.screenshot("example-devices")
		p.do(chromedp.EmulateViewport(390, 1800)) // so tall that the timeline covers nothing
		require.Equal(t, "true", p.evaluate(`String(document.documentElement.scrollWidth <= innerWidth)`), "nothing sticks out")
		p.screenshot("example-devices-phone")
		p.do(chromedp.Click(chromedp.CSS("#sign-out-others")), chromedp.WaitNotPresent(chromedp.CSS("#devices li:nth-child(2)")))
		require.Contains(t, p.text("#devices li:nth-child(1)"), "this browser")
		p.do(chromedp.Click(chromedp.CSS("#devices li:nth-child(1) button:last-child")), chromedp.WaitVisible(chromedp.CSS("#signed-out")))
		require.Empty(t, p.exceptions())
	})
	t.Run("two browsers", func(t *testing.T) {
		one, other := openExample(t, url), openExample(t, url)
		for _, p := range []*tab{one, other} {
			p.do(chromedp.WaitVisible(chromedp.CSS("#signed-out")), chromedp.SendKeys(chromedp.CSS("#user-id"), "-two"))
			p.do(chromedp.Click(chromedp.CSS("#sign-in button[type=submit]")))
			p.do(chromedp.WaitVisible(chromedp.CSS(`#live[data-state="open"]`)))
		}
		one.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("#devices li:nth-child(2)")))
		other.screenshot("example-live")
		one.do(chromedp.Click(chromedp.CSS("#devices li:nth-child(2) button:last-child")))
		one.do(chromedp.WaitNotPresent(chromedp.CSS("#devices li:nth-child(2)")))

		other.do(chromedp.WaitVisible(chromedp.CSS(`#banner`)), chromedp.WaitVisible(chromedp.CSS("#signed-out")))
		require.Equal(t, "Signed out elsewhere", other.text("#banner-title"))
		require.Contains(t, other.text("#banner-text"), "the socket closed by itself")
		other.screenshot("example-socket-closed")
		require.Equal(t, "401", other.evaluate(`(() => {
			const request = new XMLHttpRequest();
			request.open("GET", "/api/me", false);
			request.send();
			return String(request.status);
		})()`))
		one.do(chromedp.WaitVisible(chromedp.CSS(`#live[data-state="open"]`)))
		require.Empty(t, one.exceptions())
		require.Empty(t, other.exceptions())
	})
	t.Run("on a phone", func(t *testing.T) {
		p := openExample(t, url)
		p.do(chromedp.EmulateViewport(390, 844))
		p.signInAndExpire()
		require.Equal(t, "true", p.evaluate(`String(["#read", "#timeline li:first-child"].every((selector) => {
			const box = document.querySelector(selector).getBoundingClientRect();
			return box.top >= 0 && box.bottom <= innerHeight;
		}))`), "what a button causes is seen where it is pressed")
		require.Equal(t, "true", p.evaluate(`String(document.documentElement.scrollWidth <= innerWidth)`),
			"nothing sticks out")
		p.screenshot("example-phone")
	})
}

func openExample(t *testing.T, url string) *tab {
	t.Helper()
	p := newTab(chromium, t, chromedp.WithNewBrowserContext())
	t.Cleanup(func() {
		if t.Failed() {
			p.screenshot("example-failed")
			t.Logf("what the page saw:\n%s", p)
		}
	})
	p.do(chromedp.EmulateViewport(1280, 1000), chromedp.Navigate(url))
	return p
}

// signInAndExpire lets the token run out, and the next request refresh it on
// its way.
func (p *tab) signInAndExpire() {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS("#signed-out")))
	require.Empty(p.t, strings.TrimSpace(p.text("#timeline")), "a new visitor is refused nothing")
	p.do(chromedp.Click(chromedp.CSS("#sign-in button[type=submit]")))
	p.do(chromedp.WaitVisible(chromedp.CSS("#signed-in")))
	require.Equal(p.t, "ada", p.text("#who"))
	p.screenshot("example-signed-in")

	before := p.frontToken()
	p.do(chromedp.WaitVisible(chromedp.CSS("#countdown[data-state=over]")), chromedp.Click(chromedp.CSS("#read")))
	p.do(chromedp.WaitVisible(chromedp.CSS("#countdown[data-state=good]")))
	require.NotEqual(p.t, before, p.frontToken())
	require.Equal(p.t, "ada", p.text("#who"))
}

// watchTheft starts a play and waits for its end: the session is over for both.
func (p *tab) watchTheft(button, screenshot string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(button)))
	p.do(chromedp.WaitVisible(chromedp.CSS("#banner")))
	require.Equal(p.t, "Theft noticed", p.text("#banner-title"))
	p.do(chromedp.WaitVisible(chromedp.CSS("#signed-out")), chromedp.WaitReady(chromedp.CSS("#steps li:nth-child(5):not(.running)")))
	p.screenshot(screenshot)
	require.Contains(p.t, p.text("#steps"), "Refused. The copy cannot be prolonged any more.")
	require.Empty(p.t, p.exceptions())
}

// startExample builds and runs the example program, and returns its address.
func startExample(t *testing.T, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "example")
	output, err := exec.CommandContext(t.Context(), "go", "-C", "../..", "build", "-o", program, "./example").CombinedOutput() //nolint:gosec // a path of our own
	require.NoError(t, err, "%s", output)
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-addr", "127.0.0.1:0"}, args...)...) //nolint:gosec // what was built above
	// A signal that it can act on, as a person at the keyboard gives it.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		// The test's context has ended by now, and with it the program.
		if err := cmd.Wait(); t.Failed() {
			t.Logf("what the program said (%v):\n%s", err, &log)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	require.True(t, found, line)
	return url
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS(selector)))
	require.NoError(p.t, err)
	return text
}

func (p *tab) frontToken() string {
	p.t.Helper()
	return p.evaluate(`localStorage.getItem("sessionkit.front-token")`)
}

// evaluate is the value of an expression in the page.
func (p *tab) evaluate(expression string) string {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	require.NoError(p.t, err)
	return value
}

// screenshot keeps what the tab shows as an artifact of the run.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	image, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	require.NoError(p.t, err)
	require.NoError(p.t, os.MkdirAll(artifacts(), 0o750))
	file, err := filepath.Abs(filepath.Join(artifacts(), name+".png"))
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(file, image, 0o600))
	p.t.Logf("screenshot: %s", file)
}
