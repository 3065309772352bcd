//go:build e2e

package browser_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// What all tests share, made before the first of them.
var (
	// chromium is the browser. Each story opens a browser context of its own in
	// it, with its own cookies and storage.
	chromium context.Context
	results  = new(table)
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	code, err := runWithBrowser(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser tests:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runWithBrowser(m *testing.M) (int, error) {
	path, err := browserPath()
	if err != nil {
		return 0, err
	}
	profile, err := newProfile()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(profile) //nolint:errcheck // a temporary folder
	alloc, stop := chromedp.NewExecAllocator(context.Background(), browserOptions(path, profile)...)
	defer stop()
	ctx, closeBrowser := chromedp.NewContext(alloc)
	defer closeBrowser()
	if err := chromedp.Do(ctx); err != nil {
		return 0, fmt.Errorf("starting %s: %w", path, err)
	}
	chromium = ctx
	code := m.Run()
	return code, results.write()
}

// browserPath is $CHROMIUM, or the first browser of the family on the PATH.
func browserPath() (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if named := os.Getenv("CHROMIUM"); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium: install it, or name it in $CHROMIUM")
}

// newProfile is a folder with the settings of a browser that sends cookies to
// third parties. Debian's doesn't by default, and stories across sites need it.
func newProfile() (string, error) {
	profile, err := os.MkdirTemp("", "sessionkit-e2e-")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(profile, "Default"), 0o700); err != nil {
		return "", err
	}
	settings := []byte(`{"profile":{"block_third_party_cookies":false,"cookie_controls_mode":0}}`)
	return profile, os.WriteFile(filepath.Join(profile, "Default", "Preferences"), settings, 0o600)
}

func browserOptions(path, profile string) []chromedp.ExecAllocatorOption {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		// The stories that need HTTPS have a certificate of httptest.
		chromedp.IgnoreCertErrors,
	)
	if os.Geteuid() == 0 {
		// Chromium's sandbox refuses root, and CI is root. The pages are our own.
		options = append(options, chromedp.NoSandbox)
	}
	return options
}

// artifacts is where screenshots go.
func artifacts() string { return cmp.Or(os.Getenv("ARTIFACTS"), "../../artifacts/e2e") }
