//go:build e2e

package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// frontEnd is one version of supertokens-website, and what it can do.
type frontEnd struct{ version string }

// frontEnds are the generations and the versions in which something on the
// wire changed. npm has no 7.x; 8.1.1 is the oldest of that generation.
var frontEnds = []frontEnd{
	{"4.2.0"},
	{"5.1.1"},
	{"6.0.1"}, // keeps everything in localStorage, reads the front token as Latin-1
	{"8.1.1"},
	{"10.0.11"},
	{"11.0.2"}, // decodes front-token: remove
	{"13.1.1"},
	{"14.0.3"}, // intercepts XMLHttpRequest, picky about header lines
	{"15.0.0"},
	{"16.0.10"},
	{"17.0.5"},
	{"18.0.2"},
	{"20.1.6"},
}

// since reports whether the version is major.minor or later.
func (f frontEnd) since(major, minor int) bool {
	var ownMajor, ownMinor, patch int
	if _, err := fmt.Sscanf(f.version, "%d.%d.%d", &ownMajor, &ownMinor, &patch); err != nil {
		panic("the version " + f.version + " has no three parts")
	}
	return ownMajor > major || ownMajor == major && ownMinor >= minor
}

// What the generations differ in, as far as a page can tell.

func (f frontEnd) takesRefreshURL() bool   { return !f.since(5, 0) }
func (f frontEnd) readsFrontToken() bool   { return f.since(4, 4) }
func (f frontEnd) signsOut() bool          { return f.since(5, 1) }
func (f frontEnd) refreshesVisitors() bool { return f.since(7, 0) }
func (f frontEnd) tellsEvents() bool       { return f.since(8, 0) }
func (f frontEnd) tellsReasons() bool      { return f.since(9, 0) }
func (f frontEnd) tellsUpdates() bool      { return f.since(11, 0) }
func (f frontEnd) knowsClaims() bool       { return f.since(13, 1) }
func (f frontEnd) interceptsXHR() bool     { return f.since(14, 0) }
func (f frontEnd) knowsHeaderMode() bool   { return f.since(16, 0) }
func (f frontEnd) needsInterceptors() bool { return f.since(5, 0) && !f.since(14, 0) }
func (f frontEnd) passesRefreshOn() bool   { return f.since(9, 0) }

// Every package that npm installs is driven, and no other.
func TestFrontEndsAreThoseOfPackageJSON(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("package.json")
	require.NoError(t, err)
	var manifest struct{ DevDependencies map[string]string }
	require.NoError(t, json.Unmarshal(text, &manifest))
	var installed, driven []string
	for name, source := range manifest.DevDependencies {
		if version, ours := strings.CutPrefix(name, "supertokens-website-"); ours {
			require.Equal(t, "npm:supertokens-website@"+version, source)
			installed = append(installed, version)
		}
	}
	for _, f := range frontEnds {
		driven = append(driven, f.version)
	}
	slices.Sort(installed)
	slices.Sort(driven)
	require.Equal(t, installed, driven)
}
