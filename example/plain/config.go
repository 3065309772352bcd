package plain

import (
	"time"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Paths of the shop, as browsers know them.
const (
	Root        = "/plain"
	LoginPath   = Root + "/login"
	refreshPath = Root + "/session/refresh"
	signOutPath = Root + "/session/signout"
	reauthPath  = Root + "/confirm"
)

// Config is base with what the shop needs of a Service of its own. The other pages of
// the program show the strict mode, and a thief that it finds; pages that a browser
// loads by the dozen need a window.
func Config(base session.Config) session.Config {
	base.Audiences = []string{"plain"}
	base.ConcurrentRefreshWindow = 10 * time.Second
	if validity := base.AccessTokenValidity; validity != 0 {
		base.ConcurrentRefreshWindow = min(base.ConcurrentRefreshWindow, validity/2) // which it may not exceed
	}
	// No script of this origin gets to see a token, and no other is to.
	base.AntiCSRF.Mode = session.AntiCSRFViaFetchMetadata
	base.FrontEnds = session.FrontEndConfig{
		Preset: session.PresetModern, Carriers: session.CarriersCookie, FrontToken: session.SwitchOff,
	}
	base.SessionExpiredStatus = 0
	base.Cookie.Suffix = "Plain"
	base.Cookie.AccessPath = Root
	base.Cookie.RefreshPath = refreshPath
	base.Cookie.SignOutPath = signOutPath
	return base
}
