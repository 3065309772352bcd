package session

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Authenticated notes how the user has just proven who it is, for the claim amr: words
// of RFC 8176, section 2, such as "pwd" and "otp", or of your own. Letters, digits and
// "_-.:", 64 characters in all with one between two words; anything else is an
// [errors.ErrInvalidInput].
func Authenticated(methods ...string) CreateOption {
	return func(c *creation) { c.amr, c.proven = strings.Join(methods, " "), true }
}

// Level notes how sure the application is of who the user is, by a scale of its own, 0
// to [models.MaxLevel], for [RequireLevel] and the claim acr: often 1 for a password
// and 2 for a second factor. Anything else is an [errors.ErrInvalidInput].
func Level(level int) CreateOption { return func(c *creation) { c.level, c.leveled = level, true } }

// checkAssurance looks at what Authenticated and Level say.
func (c *creation) checkAssurance() error {
	switch {
	case c.flags.Has(models.FlagAnonymous) && (c.amr != "" || c.level != 0):
		return invalidInput(errors.New("a visitor has proven nothing: neither Authenticated nor Level is for its session, and As makes it a user's"))
	case c.amr != "" && !token.ValidAMR(c.amr):
		return invalidInput(errors.New("what Authenticated got is no words of A-Z a-z 0-9 _ - . : within 64 characters"))
	case c.level < 0 || c.level > models.MaxLevel:
		return invalidInput(fmt.Errorf("Level: %d is not between 0 and %d", c.level, models.MaxLevel))
	}
	return nil
}

// RequireRecentAuth demands that the user proved who it is at most maxAge ago, a second
// at least: at the sign-in, or later by [Session.Replace] or middleware.Reauthenticate.
// Config.Leeway is granted. A refresh is no proof, and a visitor (see CreateAnonymous)
// has none: see [RequireUser].
//
// A session that fails gets an [errors.ErrStepUp], which is an [errors.ErrInvalidClaim]
// too: 403 with the failure auth_time, and the challenge of RFC 9470, section 3; see
// Config.StepUp. It stays signed in. Options add up: the strictest holds.
func RequireRecentAuth(maxAge time.Duration) VerifyOption {
	return func(d *demands) {
		if d.maxAge == nil || maxAge < *d.maxAge {
			d.maxAge = &maxAge
		}
	}
}

// RequireLevel demands a [Level] of at least level, 1 to [models.MaxLevel]. A session
// that fails is answered as by [RequireRecentAuth], with the failure acr.
func RequireLevel(level int) VerifyOption {
	return func(d *demands) {
		if d.level == nil || level > *d.level {
			d.level = &level
		}
	}
}

// RequireUser refuses the sessions of visitors (see CreateAnonymous): an
// [errors.ErrUserRequired], which is an [errors.ErrInvalidClaim] too: 403 with the
// failure user.
func RequireUser() VerifyOption { return func(d *demands) { d.user = true } }

// possibleAssurance reports, as [errors.ErrConfig], what no session can fulfil.
func (d *demands) possibleAssurance() error {
	switch {
	case d.maxAge != nil && *d.maxAge < time.Second: // which is what auth_time and max_age can say
		return errors.WithReason(errors.ErrConfig, fmt.Errorf("RequireRecentAuth: %v is less than a second", *d.maxAge))
	case d.level != nil && (*d.level < 1 || *d.level > models.MaxLevel):
		return errors.WithReason(errors.ErrConfig, fmt.Errorf("RequireLevel: %d is not between 1 and %d", *d.level, models.MaxLevel))
	}
	return nil
}

// stepUpReason is why a session does not do, as front ends read it.
type stepUpReason struct {
	Message string `json:"message"`
	MaxAge  int64  `json:"max_age,omitempty"` // seconds
	ACR     string `json:"acr,omitempty"`
}

// assured holds a session against what d demands of who its user is.
func (s *Service) assured(sess *Session, d *demands) error {
	if d.maxAge == nil && d.level == nil && !d.user {
		return nil
	}
	claims, _ := sess.snapshot()
	if claims.Flags.Has(models.FlagAnonymous) {
		// Whatever was asked: who has proven nothing has nothing to prove again.
		failure := errors.ClaimFailure{ID: "user", Reason: stepUpReason{Message: "sign in"}}
		return errors.WithReason(&errors.ClaimError{Failures: []errors.ClaimFailure{failure}}, errors.ErrUserRequired)
	}
	var failures []errors.ClaimFailure
	if d.maxAge != nil && !s.isRecent(claims.AuthTime, *d.maxAge) {
		failures = append(failures, errors.ClaimFailure{ID: "auth_time", Reason: stepUpReason{
			Message: "authenticate again", MaxAge: int64(*d.maxAge / time.Second),
		}})
	}
	if d.level != nil && claims.Level < *d.level {
		failures = append(failures, errors.ClaimFailure{ID: "acr", Reason: stepUpReason{
			Message: "authenticate at a higher level", ACR: strconv.Itoa(*d.level),
		}})
	}
	if len(failures) == 0 {
		return nil
	}
	return errors.WithReason(&errors.ClaimError{Failures: failures}, errors.ErrStepUp)
}

// isRecent reports whether a proof, in Unix seconds, is no older than maxAge. One from
// the future is by a server whose clock is ahead, and must not count for longer than
// one of now.
func (s *Service) isRecent(proven int64, maxAge time.Duration) bool {
	age := s.now() - proven*1000
	return max(age, -age) <= millis(maxAge)+millis(s.cfg.Leeway)
}

// check holds a session against all that d demands of it beyond being one. The result
// is as that of checkClaims.
func (s *Service) check(ctx context.Context, sess *Session, d *demands) (*Token, error) {
	if err := s.assured(sess, d); err != nil || len(d.claims) == 0 {
		return nil, err
	}
	return s.checkClaims(ctx, sess, d.claims, cmp.Or(d.asked, s.now()))
}

// stepUpChallenge is the challenge of RFC 9470, section 3, or empty where err asks for
// no step-up.
func stepUpChallenge(err error) string {
	claim, ok := errors.AsType[*errors.ClaimError](err)
	if !ok || !errors.Is(err, errors.ErrStepUp) {
		return ""
	}
	var text strings.Builder
	text.WriteString(`Bearer error="insufficient_user_authentication"`)
	for _, failure := range claim.Failures {
		reason, _ := failure.Reason.(stepUpReason)
		if reason.MaxAge > 0 {
			fmt.Fprintf(&text, ", max_age=\"%d\"", reason.MaxAge)
		}
		if reason.ACR != "" {
			fmt.Fprintf(&text, ", acr_values=%q", reason.ACR)
		}
	}
	return text.String()
}

// takeLevel reads the session's row: where that has another level, the session has it
// from now on, and the result is an access token that says so. See Downgrade.
func (s *Session) takeLevel(ctx context.Context) (*Token, error) {
	row, err := s.svc.live(ctx, s.Handle())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if row.Level == s.claims.Level {
		return nil, nil //nolint:nilnil // no other token is no error
	}
	claims := s.claims
	claims.Level = row.Level // iat stays; see confirmed
	access, err := s.svc.signAccess(ctx, &claims)
	if err != nil {
		return nil, err
	}
	s.claims.Level, s.claims.ID = claims.Level, claims.ID
	s.ends, s.text = row.ExpiresAt, access.Value
	return access, nil
}

// Reauthenticate notes that the user of this session has just proven to be userID: a
// [Session.Replace] that moves AuthenticatedAt, so that [RequireRecentAuth] passes, and
// what an attacker has copied before ends. Say how by [Authenticated] and [Level].
//
// Where userID is another user, whoever sits there has proven to be somebody else: an
// [errors.ErrStepUp], and this session is as it was.
//
// Results and other errors are those of Replace. Gin handlers use
// middleware.Reauthenticate.
func (s *Session) Reauthenticate(ctx context.Context, userID string, opts ...ReplaceOption) (*Tokens, error) {
	if err := s.svc.checkOpen(); err != nil {
		return nil, err
	}
	if userID != s.UserID() {
		return nil, errors.WithReason(&errors.ClaimError{Failures: []errors.ClaimFailure{
			{ID: "user", Reason: stepUpReason{Message: "authenticate as the user who is signed in"}},
		}}, errors.ErrStepUp)
	}
	proof := replaceOption(func(c *creation) { c.proven = true })
	return s.Replace(ctx, append([]ReplaceOption{proof}, opts...)...)
}

// AuthenticatedAt is when the user proved last who it is, to the second.
func (s *Session) AuthenticatedAt() time.Time {
	claims, _ := s.snapshot()
	return time.Unix(claims.AuthTime, 0)
}

// AMR is how: what [Authenticated] was given.
func (s *Session) AMR() []string {
	claims, _ := s.snapshot()
	return strings.Fields(claims.AMR)
}

// Level is the session's [Level].
func (s *Session) Level() int {
	claims, _ := s.snapshot()
	return claims.Level
}
