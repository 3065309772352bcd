package session

import (
	"log/slog"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// deviceLife is how long a browser is known after a sign-in: as long as browsers keep a
// cookie (RFC 6265bis, section 5.6.1).
const deviceLife = 400 * day

// deviceKeys is the schedule of the keys of device cookies, which sign for longer than
// those of tokens do: few of them then live at a time.
func (c Config) deviceKeys() keyring.Schedule {
	rotation := c.SigningKey.Rotation
	if rotation > 0 {
		rotation = max(rotation, deviceLife/16)
	}
	return keyring.Schedule{Purpose: models.KeyForDevice, Rotation: rotation, TokenLifetime: deviceLife}
}

func (c Config) deviceCookie() string { return c.hostCookie(wire.CookieDevice) }

// signInDevice is the browser of a sign-in; nil where there is none to be known by.
type signInDevice struct {
	x     *Exchange
	known token.Device
}

// device reads the device cookie of a sign-in by that carrier. Whatever came under its
// name, there is a device then: nothing that a client sends makes this fail. A visitor
// is nobody who could be told.
func (x *Exchange) device(by wire.Carrier, flags models.SessionFlags) *signInDevice {
	if !x.svc.cfg.NewDeviceNotice || by != wire.ByCookie || flags.Has(models.FlagAnonymous) {
		return nil
	}
	return &signInDevice{x, token.ParseDevice(x.response.Request().Device())}
}

// isNewTo reports whether nothing shows that the user has signed in with it before. It
// runs no SQL: a key that is not in memory proves nothing.
func (d *signInDevice) isNewTo(userID string) bool {
	if d == nil {
		return false
	}
	cfg := &d.x.svc.cfg
	return !d.known.Knows(d.keys(), cfg.Issuer, cfg.Audiences[0], userID)
}

// remember sends the cookie with the user in it, beside the tokens of the sign-in. That
// it cannot be signed is none of the sign-in: there will be a notice too many.
func (d *signInDevice) remember(userID string) {
	if d == nil {
		return
	}
	s := d.x.svc
	key, err := s.keys.Signing(d.x.ctx, models.KeyForDevice)
	if err != nil {
		s.cfg.Logger.LogAttrs(d.x.ctx, slog.LevelWarn, "sessionkit: a browser could not be remembered, so its user's next sign-in will be one by a new device")
		return
	}
	next := d.known.With(key, d.keys(), s.cfg.Issuer, s.cfg.Audiences[0], userID)
	d.x.response.Remember(wire.Token{Value: next.Text(), Ends: time.UnixMilli(s.now()).Add(deviceLife)})
}

func (d *signInDevice) keys() token.Keys {
	return func(kid string, _ int64) (token.Key, error) { return d.x.svc.keys.Known(models.KeyForDevice, kid) }
}
