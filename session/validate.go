package session

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/problems"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// fieldProblems collects what is wrong with a configuration, by field name.
type fieldProblems struct{ list problems.List }

func (p *fieldProblems) add(field, format string, args ...any) {
	p.list.Addf("Config."+field+": "+format, args...)
}

// within complains unless lo <= d <= hi.
func (p *fieldProblems) within(field string, d, lo, hi time.Duration) {
	if d < lo || d > hi {
		p.add(field, "%v is not between %v and %v", d, lo, hi)
	}
}

// maxNameLen is the longest issuer or audience in bytes.
const maxNameLen = 256

// name complains about what would be refused, or read in two ways, once it
// stands in a token.
func (p *fieldProblems) name(field, text string) {
	switch {
	case len(text) > maxNameLen:
		p.add(field, "%d bytes are more than %d", len(text), maxNameLen)
	case !utf8.ValidString(text):
		p.add(field, "%q is not valid UTF-8", text)
	case strings.ContainsFunc(text, unicode.IsControl):
		p.add(field, "%q holds a control character", text)
	}
}

// names complains unless every name of list may be one, and each is there once.
func (p *fieldProblems) names(field string, list []string) {
	if len(list) > token.MaxAudiences {
		p.add(field, "%d names are more than %d", len(list), token.MaxAudiences)
	}
	for i, name := range list {
		if name == "" || slices.Contains(list[:i], name) {
			p.add(field, "%q is empty or there twice", name)
		}
		p.name(field, name)
	}
}

// clientError complains unless status is a 4xx.
func (p *fieldProblems) clientError(field string, status int) {
	if status < 400 || status > 499 {
		p.add(field, "%d is not between 400 and 499", status)
	}
}

// checkStore refuses a store that is nil, and a nil pointer in it, which is what is
// left of a constructor whose error nobody looked at.
func checkStore(store Store) error {
	switch {
	case store == nil:
		return errors.WithReason(errors.ErrConfig, errors.New("store is nil"))
	case isNil(store):
		return errors.WithReason(errors.ErrConfig,
			fmt.Errorf("store is a nil %T; look at the error of what made it", store))
	}
	return nil
}

// isNil reports whether value is a nil of some type, which nobody filled.
func isNil(value any) bool {
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan:
		return v.IsNil()
	default: // a value of its own
		return false
	}
}

// validate checks a Config that has its defaults.
func (c Config) validate() error {
	var p fieldProblems
	c.validateLifetimes(&p)
	c.validateKeys(&p)
	c.validateHTTP(&p)
	c.Cookie.validate(&p)
	c.FrontEnds.validate(&p)

	if c.Revocation > RevokeImmediately {
		p.add("Revocation", "unknown mode %d", c.Revocation)
	}
	if c.feedOn() {
		p.within("Feed.Within", c.Feed.Within, 500*time.Millisecond, time.Minute)
	}
	if c.Feed.OnLag > LagAsk {
		p.add("Feed.OnLag", "unknown policy %d", c.Feed.OnLag)
	}
	if n := c.Feed.MaxEntries; n < 1000 || n > 10_000_000 {
		p.add("Feed.MaxEntries", "%d is not between 1,000 and 10,000,000", n)
	}
	if c.AntiCSRF.Mode > InsecureAntiCSRFOff {
		p.add("AntiCSRF.Mode", "unknown mode %d", c.AntiCSRF.Mode)
	}
	if c.NewDeviceNotice && c.FrontEnds.Carriers == CarriersHeader {
		p.add("NewDeviceNotice", "needs cookies, which FrontEnds.Carriers rules out")
	}
	if c.IPAddresses > IPFull {
		p.add("IPAddresses", "unknown policy %d", c.IPAddresses)
	}
	if c.Cleanup.Every != 0 {
		p.within("Cleanup.Every", c.Cleanup.Every, time.Minute, 365*day)
	}
	p.within("Cleanup.Pause", c.Cleanup.Pause, 0, time.Minute)
	if c.Cleanup.Batch < 1 || c.Cleanup.Batch > 1000 {
		p.add("Cleanup.Batch", "%d is not between 1 and 1000", c.Cleanup.Batch)
	}
	c.MaxSessions.validate(&p)
	c.Import.validate(&p)
	if c.TokenCacheBytes != 0 && (c.TokenCacheBytes < minTokenCache || c.TokenCacheBytes > maxTokenCache) {
		p.add("TokenCacheBytes", "%d bytes are not between %d and %d", c.TokenCacheBytes, minTokenCache, maxTokenCache)
	}
	p.within("OperationTimeout", c.OperationTimeout, 10*time.Millisecond, time.Minute)
	return p.list.Err()
}

func (c Config) validateLifetimes(p *fieldProblems) {
	shortestIdle := minRefreshValidity
	if c.InsecureShortLifetimes {
		shortestIdle = minAccessValidity
	}
	p.within("AccessTokenValidity", c.AccessTokenValidity, minAccessValidity, day)
	p.within("RefreshTokenValidity", c.RefreshTokenValidity, shortestIdle, 365*day)
	p.within("Leeway", c.Leeway, 0, maxLeeway)
	p.within("ConcurrentRefreshWindow", c.ConcurrentRefreshWindow, 0, maxWindow)

	if c.RefreshTokenValidity < c.AccessTokenValidity {
		p.add("RefreshTokenValidity", "%v must not be shorter than AccessTokenValidity (%v)", c.RefreshTokenValidity, c.AccessTokenValidity)
	}
	if c.ConcurrentRefreshWindow >= c.AccessTokenValidity {
		p.add("ConcurrentRefreshWindow", "%v must be shorter than AccessTokenValidity (%v)", c.ConcurrentRefreshWindow, c.AccessTokenValidity)
	}
	if c.SessionLifetime != 0 && (c.SessionLifetime < c.AccessTokenValidity || c.SessionLifetime > maxSessionLifetime) {
		p.add("SessionLifetime", "%v is neither 0 (none) nor between AccessTokenValidity (%v) and %v",
			c.SessionLifetime, c.AccessTokenValidity, maxSessionLifetime)
	}
}

func (c Config) validateKeys(p *fieldProblems) {
	if r := c.SigningKey.Rotation; r != 0 {
		shortest := time.Hour
		if c.InsecureShortLifetimes {
			shortest = time.Second
		}
		p.within("SigningKey.Rotation", r, shortest, 720*time.Hour)
	}
	for i, kek := range c.SigningKey.Encryption {
		switch {
		case len(kek) != 32:
			p.add("SigningKey.Encryption", "key %d has %d bytes, AES-256 wants 32", i, len(kek))
		case bytes.Count(kek, kek[:1]) == len(kek):
			p.add("SigningKey.Encryption", "key %d is one byte repeated, and not random", i)
		}
	}
	if c.SigningKey.AllowClearKeys && len(c.SigningKey.Encryption) == 0 {
		p.add("SigningKey.AllowClearKeys", "says nothing without Encryption: keys are stored in clear anyway")
	}
	if c.SigningKey.Provider != nil && isNil(c.SigningKey.Provider) {
		p.add("SigningKey.Provider", "is a nil %T", c.SigningKey.Provider)
	}
	switch a := c.SigningKey.Algorithm; {
	case a > RS256:
		p.add("SigningKey.Algorithm", "unknown algorithm %d", a)
	case a != HS256 && c.SigningKey.Provider != nil:
		p.add("SigningKey.Algorithm", "the keys of SigningKey.Provider are of HS256 and no other")
	}
	if c.SigningKey.TokenType > TokenTypeJWT {
		p.add("SigningKey.TokenType", "unknown type %d", c.SigningKey.TokenType)
	}
	p.name("Issuer", c.Issuer)
	p.names("Audiences", c.Audiences)
	p.names("AcceptAudiences", c.AcceptAudiences)
	c.validateAudienceBytes(p)
}

// validateAudienceBytes keeps the room that every payload leaves enough for all
// services of a key table. A long name alone was right before there were several, and
// whoever changes it signs everybody out: it stays right, at a service whose name no
// other takes.
func (c Config) validateAudienceBytes(p *fieldProblems) {
	if n := token.AudienceBytes(c.Audiences); n > token.MaxAudienceBytes && len(c.Audiences) > 1 {
		p.add("Audiences", "take %d bytes in a token, the first name counted twice: more than %d", n, token.MaxAudienceBytes)
	}
	for _, name := range c.AcceptAudiences {
		if n := token.AudienceBytes([]string{name}); n > token.MaxAudienceBytes {
			p.add("AcceptAudiences", "has a name that takes %d bytes in a token of its service, where it stands twice: more than %d", n, token.MaxAudienceBytes)
		}
	}
}

func (c Config) validateHTTP(p *fieldProblems) {
	p.clientError("SessionExpiredStatus", c.SessionExpiredStatus)
	if c.SessionExpiredStatus == http.StatusForbidden {
		p.add("SessionExpiredStatus", "403 is the answer to requests of foreign pages: front ends would refresh forever")
	}
	if _, err := wire.NewOrigins(c.TrustedOrigins); err != nil {
		p.add("TrustedOrigins", "%v", err)
	}
	if c.Cookie.SameSite == http.SameSiteNoneMode && c.AntiCSRF.Mode == InsecureAntiCSRFOff && c.FrontEnds.Carriers != CarriersHeader {
		p.add("AntiCSRF.Mode", "off together with Cookie.SameSite None lets every page act as the user")
	}
	if c.MaxSessions.refuses() && (c.SessionExpiredStatus == http.StatusConflict || c.InvalidClaimStatus == http.StatusConflict) {
		p.add("MaxSessions.Policy", "RefuseNew answers 409, which is SessionExpiredStatus or InvalidClaimStatus already")
	}
	p.clientError("InvalidClaimStatus", c.InvalidClaimStatus)
	if c.StepUp > StepUpRFC9470 {
		p.add("StepUp", "unknown mode %d", c.StepUp)
	}
	if c.SessionExpiredStatus == c.InvalidClaimStatus {
		p.add("InvalidClaimStatus", "%d is SessionExpiredStatus already: front ends would refresh forever", c.InvalidClaimStatus)
	}
}
