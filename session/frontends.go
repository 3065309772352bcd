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
	// expiry and the payload: SwitchAlways (the default) or SwitchOff.
	FrontToken Switch
	// IDRefreshHeader is the header id-refresh-token, which front ends 4 to 15 go by.
	IDRefreshHeader Switch
	// IDRefreshCookie is the cookie sIdRefreshToken, which pages of front ends
	// before 4.0 read. It is a hint and never a credential.
	IDRefreshCookie Switch
	// IDRefreshMigrate takes an incoming sIdRefreshToken as a reason to refresh, and
	// removes it at that refresh. For a service whose preset sets no such cookie and
	// whose users come from one that did.
	IDRefreshMigrate bool
}

// Preset is a set of switches for a range of front ends.
type Preset uint8

const (
	// PresetAuto serves every front end since 4.0.9: all that npm has.
	PresetAuto Preset = iota
	// PresetAll is PresetAuto plus the cookie sIdRefreshToken for pages of
	// front ends before 4.0.
	PresetAll
	// PresetRefJWT4 follows SuperTokens' Node library 4.0: PresetAll, the status 440,
	// and a missing sIdRefreshToken means that there is no session.
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

// Switch turns one header or cookie of the front ends on or off.
type Switch uint8

const (
	// SwitchByPreset leaves it to [FrontEndConfig.Preset]. The default.
	SwitchByPreset Switch = iota
	// SwitchOff never sends it.
	SwitchOff
	// SwitchAuto sends it to clients that may need it: those without the header
	// st-auth-mode, and for a cookie also those that send it already.
	SwitchAuto
	// SwitchAlways sends it to every client.
	SwitchAlways
)

func (f FrontEndConfig) withDefaults() FrontEndConfig {
	if f.FrontToken == SwitchByPreset {
		f.FrontToken = SwitchAlways
	}
	if f.IDRefreshHeader == SwitchByPreset {
		f.IDRefreshHeader = SwitchAuto
		if f.Preset == PresetModern {
			f.IDRefreshHeader = SwitchOff
		}
	}
	if f.IDRefreshCookie == SwitchByPreset {
		f.IDRefreshCookie = SwitchOff
		if f.Preset == PresetAll || f.Preset == PresetRefJWT4 {
			f.IDRefreshCookie = SwitchAuto
		}
	}
	return f
}

func (s Switch) wire() wire.Switch {
	switch s {
	case SwitchAuto:
		return wire.Auto
	case SwitchAlways:
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
	if f.FrontToken > SwitchAlways || f.FrontToken == SwitchAuto {
		p.add("FrontEnds.FrontToken", "%d is neither SwitchAlways nor SwitchOff", f.FrontToken)
	}
	if f.IDRefreshHeader > SwitchAlways {
		p.add("FrontEnds.IDRefreshHeader", "unknown value %d", f.IDRefreshHeader)
	}
	if f.IDRefreshCookie > SwitchAlways {
		p.add("FrontEnds.IDRefreshCookie", "unknown value %d", f.IDRefreshCookie)
	}
	if f.IDRefreshMigrate && f.IDRefreshCookie != SwitchOff {
		p.add("FrontEnds.IDRefreshMigrate", "it removes the cookie that the preset or IDRefreshCookie sets: set IDRefreshCookie to SwitchOff beside it")
	}
	if f.Preset == PresetRefJWT4 && f.IDRefreshCookie == SwitchOff {
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

// statusSessionExpired440 is the "login time-out" of that generation.
const statusSessionExpired440 = 440

// AllowHeaders lists the request headers that front ends send, for a CORS
// preflight's Access-Control-Allow-Headers. With gin-contrib/cors:
//
//	router.Use(cors.New(cors.Config{
//		AllowOrigins:     []string{"https://app.example.com"},
//		AllowCredentials: true,
//		AllowMethods:     []string{"GET", "POST", "PUT", "PATCH", "DELETE"},
//		AllowHeaders:     session.AllowHeaders(),
//		ExposeHeaders:    session.ExposeHeaders(),
//	}))
//	router.Use(middleware.Verify(svc)) // after CORS: its answers need the headers too
//
// Name every origin. With credentials browsers refuse the wildcard in any of these
// headers (Fetch standard, section 3.2.5), and an origin that is merely echoed back
// lets any page act as the user. The kit itself never allows an origin.
func AllowHeaders() []string { return wire.AllowHeaders() }

// ExposeHeaders lists the response headers that front ends read, for
// Access-Control-Expose-Headers. The kit appends those that a response has by itself.
func ExposeHeaders() []string { return wire.ExposeHeaders() }
