package session

import (
	"fmt"
	"math"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// BrowserSession has the browser forget the session when it is closed: cookies without
// an end. It is for "keep me signed in" that was not ticked. A browser that restores
// its tabs brings such cookies back, so the session's own end is the one to count on:
// see WithLifetime. Tokens in headers know no such thing.
func BrowserSession() CreateOption {
	return func(c *creation) { c.flags |= models.FlagBrowserSession }
}

// WithLifetime gives this session shorter lifetimes than the configuration has: idle in
// the place of Config.RefreshTokenValidity, absolute in that of Config.SessionLifetime.
// 0 leaves one as it is; both count in whole seconds. An idle end also shortens
// the session's access tokens, to a quarter of it, so that a user who is at work is
// seen in time. It may come up to a tenth and a 64th of idle earlier, as that of all
// sessions may; the absolute end is exact.
//
// Longer than configured, or shorter than what the configuration may say, is an
// [errors.ErrInvalidInput] of the sign-in.
func WithLifetime(idle, absolute time.Duration) CreateOption {
	return func(c *creation) {
		if idle != 0 {
			c.idle = idle
		}
		if absolute != 0 {
			c.absolute = absolute
		}
	}
}

// checkLifetimes holds the lifetimes of one session against those of all, and makes
// whole seconds of them.
func (s *Service) checkLifetimes(c *creation) error {
	shortest := minRefreshValidity
	if s.cfg.InsecureShortLifetimes {
		shortest = minAccessValidity
	}
	for _, l := range []struct {
		name    string
		is      *time.Duration
		longest time.Duration
	}{
		{"idle", &c.idle, s.cfg.RefreshTokenValidity},
		{"absolute", &c.absolute, s.cfg.SessionLifetime},
	} {
		switch is := *l.is; {
		case is == 0:
		case is < shortest:
			return invalidInput(fmt.Errorf("WithLifetime: %s of %v is shorter than %v", l.name, is, shortest))
		case l.longest != 0 && is > l.longest:
			return invalidInput(fmt.Errorf("WithLifetime: %s of %v is longer than the configured %v", l.name, is, l.longest))
		}
		*l.is = l.is.Truncate(time.Second)
	}
	return nil
}

// absoluteEnd is the end of a session created at the given time that never moves, or
// 0. The row has the definite one, and no step goes past that.
func (s *Service) absoluteEnd(created int64) int64 {
	if s.cfg.SessionLifetime == 0 {
		return 0
	}
	return created + millis(s.cfg.SessionLifetime)
}

// absoluteEndOf is what the claims say of the session's absolute end, to the second
// before it: no cookie is to outlive the row.
func (s *Service) absoluteEndOf(claims *token.Access) int64 {
	if claims.Until > 0 {
		return claims.Until * 1000
	}
	return s.absoluteEnd(claims.SessionStart() * 1000)
}

// idleLength is how long a session lives without use whose own length is idle (0 = as
// configured), all in milliseconds. A configuration that has become shorter holds for
// everybody.
func (s *Service) idleLength(idle int64) int64 {
	configured := millis(s.cfg.RefreshTokenValidity)
	if idle <= 0 {
		return configured
	}
	return min(idle, configured)
}

// endSteps is how many steps an idle length has on the grid of ends.
const endSteps = 64

// idleEnd is where use at now moves the end of a session. All that the kit writes in
// expires_at, and all that it tells a client of an idle end, comes from here.
func (s *Service) idleEnd(now, absolute, idle int64) int64 {
	return gridEnd(now, s.idleLength(idle), absolute)
}

// gridEnd is length after now, rounded down to a grid of a 64th of length, and at most
// absolute, where that is not 0: all in milliseconds. Within a step all uses come to
// the same end, so that all but the first of them leave the index on expires_at alone:
// see "Ends on a grid" in docs/performance.md.
//
// The grid is one of time, not of the session, so that two processes agree on it
// without asking. It rounds down, since a session must not live without use for longer
// than was configured (NIST SP 800-63B-3, section 7.2, bounds that). The absolute end
// is no place on the grid, and stays exact. A later now never makes an earlier end, so
// that rows and cookies which were given theirs by processes that did not round, or
// under another length, are right as they are: the store keeps the later one.
func gridEnd(now, length, absolute int64) int64 {
	// A token says when it was issued; whoever holds a key may let it say anything.
	end := min(now, math.MaxInt64-length) + length
	end -= end % max(length/endSteps, 1)
	if absolute > 0 {
		end = min(end, absolute)
	}
	return end
}

// accessExpiry is in Unix seconds, which is what a JWT can say: rounded down, so
// that no token works longer than the application chose, nor past the session's
// absolute end. The smallest validity leaves a second of life all the same.
func (s *Service) accessExpiry(now int64, row *models.Session) int64 {
	validity := millis(s.cfg.AccessTokenValidity)
	if row.IdleMillis > 0 {
		validity = min(validity, max(s.idleLength(row.IdleMillis)/4, millis(minAccessValidity)))
	}
	ends := now + validity
	if row.AbsoluteExpiresAt > 0 {
		ends = min(ends, row.AbsoluteExpiresAt)
	}
	return ends / 1000
}
