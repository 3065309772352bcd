package session

import (
	"net/http"

	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// FrontEndConfig chooses what is sent to which generation of front ends. The
// preset decides every switch that is left at its zero value.
//
// Front ends from version 16 on name themselves by the header st-auth-mode.
type FrontEndConfig struct {
	Preset Preset

	// Carriers allows tokens in cookies, in headers, or both (the default). A
	// token in a carrier that is not allowed counts as absent.
	Carriers Carriers
	// FrontToken is the header front-token, which tells a page its user id, the
	// expiry and the payload.
	FrontToken FrontTokenSwitch
	// IDRefreshHeader is the header id-refresh-token, which front ends 4 to 15 go by.
	IDRefreshHeader IDRefreshHeaderSwitch
	// IDRefreshCookie is the cookie sIdRefreshToken, which pages of front ends
	// before 4.0 read. It is a hint and never a credential.
	IDRefreshCookie IDRefreshCookieSwitch
}

// Preset is a set of switches for a range of front ends.
type Preset uint8

const (
	// PresetAuto serves every front end since 4.0.9: all that npm has.
	PresetAuto Preset = iota
	// PresetAll is PresetAuto plus the cookie sIdRefreshToken for pages of
	// front ends before 4.0.
	PresetAll
	// PresetRefJWT4 follows the seed: PresetAll, the status 440, and a missing
	// sIdRefreshToken means that there is no session.
	PresetRefJWT4
	// PresetModern serves front ends from 16 on with the smallest surface.
	PresetModern
)

// Carriers says where tokens may travel.
type Carriers uint8

const (
	// CarriersAny lets the client choose by st-auth-mode when the session is
	// created; cookies when it doesn't say.
	CarriersAny Carriers = iota
	// CarriersCookie allows cookies only.
	CarriersCookie
	// CarriersHeader allows headers only.
	CarriersHeader
)

// FrontTokenSwitch turns the header front-token on (the default) or off.
type FrontTokenSwitch uint8

// The values of FrontTokenSwitch.
const (
	FrontTokenByPreset FrontTokenSwitch = iota
	FrontTokenOn
	FrontTokenOff
)

// IDRefreshHeaderSwitch rules the header id-refresh-token.
type IDRefreshHeaderSwitch uint8

// The values of IDRefreshHeaderSwitch. Auto sends it to clients without st-auth-mode.
const (
	IDRefreshHeaderByPreset IDRefreshHeaderSwitch = iota
	IDRefreshHeaderAuto
	IDRefreshHeaderAlways
	IDRefreshHeaderOff
)

// IDRefreshCookieSwitch rules the cookie sIdRefreshToken.
type IDRefreshCookieSwitch uint8

// The values of IDRefreshCookieSwitch. Auto sets it for clients without st-auth-mode,
// and keeps it up for those that send it. LegacyMigrate takes an incoming one as a
// reason to refresh, and removes it at the refresh.
const (
	IDRefreshCookieByPreset IDRefreshCookieSwitch = iota
	IDRefreshCookieOff
	IDRefreshCookieAuto
	IDRefreshCookieAlways
	IDRefreshCookieLegacyMigrate
)

func (f FrontEndConfig) withDefaults() FrontEndConfig {
	if f.FrontToken == FrontTokenByPreset {
		f.FrontToken = FrontTokenOn
	}
	if f.IDRefreshHeader == IDRefreshHeaderByPreset {
		f.IDRefreshHeader = IDRefreshHeaderAuto
		if f.Preset == PresetModern {
			f.IDRefreshHeader = IDRefreshHeaderOff
		}
	}
	if f.IDRefreshCookie == IDRefreshCookieByPreset {
		f.IDRefreshCookie = IDRefreshCookieOff
		if f.Preset == PresetAll || f.Preset == PresetRefJWT4 {
			f.IDRefreshCookie = IDRefreshCookieAuto
		}
	}
	return f
}

func (s IDRefreshHeaderSwitch) wire() wire.Switch {
	switch s {
	case IDRefreshHeaderAuto:
		return wire.Auto
	case IDRefreshHeaderAlways:
		return wire.Always
	default:
		return wire.Off
	}
}

func (s IDRefreshCookieSwitch) wire() wire.Switch {
	switch s {
	case IDRefreshCookieAuto:
		return wire.Auto
	case IDRefreshCookieAlways:
		return wire.Always
	default:
		return wire.Off
	}
}

func (f FrontEndConfig) validate(p *fieldProblems) {
	if f.Preset > PresetModern {
		p.add("FrontEnds.Preset", "unknown preset %d", f.Preset)
	}
	if f.Carriers > CarriersHeader {
		p.add("FrontEnds.Carriers", "unknown value %d", f.Carriers)
	}
	if f.FrontToken > FrontTokenOff {
		p.add("FrontEnds.FrontToken", "unknown value %d", f.FrontToken)
	}
	if f.IDRefreshHeader > IDRefreshHeaderOff {
		p.add("FrontEnds.IDRefreshHeader", "unknown value %d", f.IDRefreshHeader)
	}
	if f.IDRefreshCookie > IDRefreshCookieLegacyMigrate {
		p.add("FrontEnds.IDRefreshCookie", "unknown value %d", f.IDRefreshCookie)
	}
	if f.Preset == PresetRefJWT4 && (f.IDRefreshCookie == IDRefreshCookieOff || f.IDRefreshCookie == IDRefreshCookieLegacyMigrate) {
		p.add("FrontEnds.IDRefreshCookie", "the preset RefJWT4 cannot do without it")
	}
}

// expiredStatus is the session-expired status that the preset's front ends expect.
func (p Preset) expiredStatus() int {
	if p == PresetRefJWT4 {
		return statusSessionExpired440
	}
	return http.StatusUnauthorized
}

// statusSessionExpired440 is the "login time-out" of the seed's generation.
const statusSessionExpired440 = 440

// AllowHeaders lists the request headers that front ends send, for a CORS
// preflight's Access-Control-Allow-Headers (credentials rule out the wildcard).
func AllowHeaders() []string { return wire.AllowHeaders() }

// ExposeHeaders lists the response headers that front ends read, for
// Access-Control-Expose-Headers. The kit appends those that a response has by itself.
func ExposeHeaders() []string { return wire.ExposeHeaders() }
