package session_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Wrong settings are refused at start, each by its field's name (GO-05).
func TestConfig_Refused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		field  string
		change func(*session.Config)
	}{
		{"AccessTokenValidity", func(c *session.Config) { c.AccessTokenValidity = time.Millisecond }},
		{"AccessTokenValidity", func(c *session.Config) { c.AccessTokenValidity = 25 * time.Hour }},
		{"AccessTokenValidity", func(c *session.Config) { c.AccessTokenValidity = -time.Hour }},
		{"AccessTokenValidity", func(c *session.Config) { c.AccessTokenValidity = 2*time.Second - 1 }},
		{"AccessTokenValidity", func(c *session.Config) {
			c.InsecureShortLifetimes, c.AccessTokenValidity, c.RefreshTokenValidity = true, time.Second, time.Hour
		}},
		{"RefreshTokenValidity", func(c *session.Config) { c.AccessTokenValidity, c.RefreshTokenValidity = 2*time.Hour, time.Hour }},
		{"RefreshTokenValidity", func(c *session.Config) { c.RefreshTokenValidity = 5*time.Minute - 1 }},
		{"RefreshTokenValidity", func(c *session.Config) { c.RefreshTokenValidity = -1 }},
		{"RefreshTokenValidity", func(c *session.Config) { c.RefreshTokenValidity = 366 * 24 * time.Hour }},
		{"SessionLifetime", func(c *session.Config) { c.SessionLifetime = time.Minute }},
		{"SessionLifetime", func(c *session.Config) { c.SessionLifetime = -time.Minute }},
		{"SessionLifetime", func(c *session.Config) { c.SessionLifetime = math.MaxInt64 }},
		{"SessionLifetime", func(c *session.Config) { c.SessionLifetime = math.MinInt64 }},
		{"SessionLifetime", func(c *session.Config) {
			c.SessionLifetime, c.SigningKey.Rotation = 200*365*24*time.Hour, session.Off
		}},
		{"ConcurrentRefreshWindow", func(c *session.Config) { c.ConcurrentRefreshWindow = 61 * time.Second }},
		{"ConcurrentRefreshWindow", func(c *session.Config) { c.ConcurrentRefreshWindow = -1 }},
		{"ConcurrentRefreshWindow", func(c *session.Config) {
			c.AccessTokenValidity, c.ConcurrentRefreshWindow = 10*time.Second, 10*time.Second
		}},
		{"Import.Key", func(c *session.Config) { c.Import.From, c.Import.Sunset = newEarlier(nil), time.Now() }},
		{"Import.Key", func(c *session.Config) { c.Import.Key, c.Import.Sunset = make([]byte, 31), time.Now() }},
		{"Import.Key", func(c *session.Config) { c.Import.Key, c.Import.Sunset = make([]byte, 32), time.Now() }},
		{"Import.Key", func(c *session.Config) { c.Import.Sunset = time.Now() }},
		{"Import.Sunset", func(c *session.Config) { c.Import.Key = importKey }},
		{"Import.From", func(c *session.Config) {
			c.Import = session.ImportConfig{From: (*earlier)(nil), Key: importKey, Sunset: time.Now()}
		}},
		{"Leeway", func(c *session.Config) { c.Leeway = 61 * time.Second }},
		{"Leeway", func(c *session.Config) { c.Leeway = -2 }},
		{"Revocation", func(c *session.Config) { c.Revocation = 9 }},
		{"AntiCSRF.Mode", func(c *session.Config) { c.AntiCSRF.Mode = 9 }},
		{"SigningKey.Rotation", func(c *session.Config) { c.SigningKey.Rotation = time.Minute }},
		{"SigningKey.Rotation", func(c *session.Config) { c.SigningKey.Rotation = 721 * time.Hour }},
		{"SigningKey.Encryption", func(c *session.Config) { c.SigningKey.Encryption = [][]byte{make([]byte, 16)} }},
		{"SigningKey.Encryption", func(c *session.Config) { c.SigningKey.Encryption = [][]byte{make([]byte, 32)} }},
		{"SigningKey.Encryption", func(c *session.Config) { c.SigningKey.Encryption = [][]byte{nil} }},
		{"SigningKey.AllowClearKeys", func(c *session.Config) { c.SigningKey.AllowClearKeys = true }},
		{"SigningKey.Provider", func(c *session.Config) { c.SigningKey.Provider = (*nilProvider)(nil) }},
		{"SigningKey.Rotation", func(c *session.Config) { c.SigningKey.Rotation = -2 }},
		{"Cleanup.Every", func(c *session.Config) { c.Cleanup.Every = time.Second }},
		{"Cleanup.Batch", func(c *session.Config) { c.Cleanup.Batch = 1001 }},
		{"Cleanup.Pause", func(c *session.Config) { c.Cleanup.Pause = -1 }},
		{"OperationTimeout", func(c *session.Config) { c.OperationTimeout = time.Hour }},
		{"SessionExpiredStatus", func(c *session.Config) { c.SessionExpiredStatus = 200 }},
		{"InvalidClaimStatus", func(c *session.Config) { c.InvalidClaimStatus = 500 }},
		{"InvalidClaimStatus", func(c *session.Config) { c.InvalidClaimStatus = 401 }},
		{"IPAddresses", func(c *session.Config) { c.IPAddresses = 9 }},
		{"Issuer", func(c *session.Config) { c.Issuer = strings.Repeat("x", 257) }},
		{"Audiences", func(c *session.Config) { c.Audiences = []string{strings.Repeat("x", 257)} }},
		{"Audiences", func(c *session.Config) { c.Audiences = []string{strings.Repeat("x", 124), "y"} }},
		{"AcceptAudiences", func(c *session.Config) { c.AcceptAudiences = []string{strings.Repeat("x", 127)} }},
		{"AcceptAudiences", func(c *session.Config) { c.AcceptAudiences = []string{strings.Repeat("\"", 64)} }},
		{"Audiences", func(c *session.Config) { c.Audiences = eightNames(26) }},
		{"Issuer", func(c *session.Config) { c.Issuer = "\xff" }},
		{"Issuer", func(c *session.Config) { c.Issuer = "https://app.example\n" }},
		{"Issuer", func(c *session.Config) { c.Issuer = "a\x00b" }},
		{"Audiences", func(c *session.Config) { c.Audiences = []string{"shop\xc3"} }},
		{"Audiences", func(c *session.Config) { c.Audiences = []string{"shop\u0085"} }},
		{"Audiences", func(c *session.Config) { c.Audiences = []string{"shop", ""} }},
		{"Audiences", func(c *session.Config) { c.Audiences = []string{"shop", "admin", "shop"} }},
		{"Audiences", func(c *session.Config) { c.Audiences = strings.Split("abcdefghi", "") }},
		{"AcceptAudiences", func(c *session.Config) { c.AcceptAudiences = []string{""} }},
		{"AcceptAudiences", func(c *session.Config) { c.AcceptAudiences = []string{"shop", "shop"} }},
		{"AcceptAudiences", func(c *session.Config) { c.AcceptAudiences = strings.Split("abcdefghi", "") }},
		{"OperationTimeout", func(c *session.Config) { c.OperationTimeout = -time.Second }},
		{"TokenCacheBytes", func(c *session.Config) { c.TokenCacheBytes = -2 }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = "evil.example; Path=/x" }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = "a b" }},
		{"Cookie.AccessPath", func(c *session.Config) { c.Cookie.AccessPath = "api" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/a;b" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/a\r\nSet-Cookie: x=y" }},
		{"Cookie.Older[0]", func(c *session.Config) {
			c.Cookie.Domain, c.Cookie.Older = "a.example", []session.OlderCookieConfig{{Domain: ".A.example"}}
		}},
		{"Cookie.SameSite", func(c *session.Config) { c.Cookie.SameSite = http.SameSiteDefaultMode }},
		{"Cookie.SameSite", func(c *session.Config) { c.Cookie.SameSite, c.Cookie.Insecure = http.SameSiteNoneMode, true }},
		{"Cookie.Prefixes", func(c *session.Config) { c.Cookie.Prefixes, c.Cookie.Domain = session.PrefixHost, "a.example" }},
		{"Cookie.Prefixes", func(c *session.Config) { c.Cookie.Prefixes, c.Cookie.Insecure = session.PrefixHost, true }},
		{"FrontEnds.Preset", func(c *session.Config) { c.FrontEnds.Preset = 9 }},
		{"FrontEnds.Carriers", func(c *session.Config) { c.FrontEnds.Carriers = 9 }},
		{"FrontEnds.IDRefreshCookie", func(c *session.Config) {
			c.FrontEnds.Preset, c.FrontEnds.IDRefreshCookie = session.PresetRefJWT4, session.SwitchOff
		}},
		{"FrontEnds.IDRefreshMigrate", func(c *session.Config) {
			c.FrontEnds.Preset, c.FrontEnds.IDRefreshMigrate = session.PresetAll, true
		}},
		{"FrontEnds.FrontToken", func(c *session.Config) { c.FrontEnds.FrontToken = session.SwitchAuto }},
		{"FrontEnds.IDRefreshHeader", func(c *session.Config) { c.FrontEnds.IDRefreshHeader = 9 }},
	} {
		var cfg session.Config
		row.change(&cfg)
		_, err := session.New(t.Context(), memstore.New(), cfg)
		require.ErrorIs(t, err, errors.ErrConfig, row.field)
		require.ErrorIs(t, err, errors.ErrGeneral)
		require.Contains(t, err.Error(), "Config."+row.field+": ")
	}
}

func TestConfig_NamesEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := session.New(t.Context(), memstore.New(), session.Config{
		AccessTokenValidity: -1, Revocation: 7, Cookie: session.CookieConfig{Domain: "?", RefreshPath: "x"},
	})
	for _, field := range []string{"AccessTokenValidity", "Revocation", "Cookie.Domain", "Cookie.RefreshPath"} {
		require.ErrorContains(t, err, "Config."+field)
	}
	_, err = session.New(t.Context(), nil, session.Config{})
	require.ErrorIs(t, err, errors.ErrConfig)
}

// nilProvider is what a variable of a concrete type is that nobody filled.
type nilProvider struct{ keys []session.Key }

func (p *nilProvider) Keys(context.Context) ([]session.Key, error) { return p.keys, nil }

// The edges of the ranges are allowed.
func TestConfig_Accepted(t *testing.T) {
	t.Parallel()
	for _, cfg := range []session.Config{
		{},
		{AccessTokenValidity: 2 * time.Second, Leeway: session.Off, TokenCacheBytes: session.Off},
		{AccessTokenValidity: 24 * time.Hour, RefreshTokenValidity: 365 * 24 * time.Hour, ConcurrentRefreshWindow: time.Minute},
		{SigningKey: session.SigningKeyConfig{Rotation: session.Off}},
		{Cookie: session.CookieConfig{Prefixes: session.PrefixHost}},
		{Cookie: session.CookieConfig{
			Prefixes: session.PrefixHTTP, Partitioned: true, SameSite: http.SameSiteNoneMode,
			Older: []session.OlderCookieConfig{{Prefixes: session.PrefixHTTP}},
		}},
		{Cookie: session.CookieConfig{Domain: ".app.example", AccessPath: "/api", SignOutPath: "/api/out", SameSite: http.SameSiteNoneMode}},
		{Cookie: session.CookieConfig{AccessPath: "/api"}}, // its sign-out is a route of its own
		{FrontEnds: session.FrontEndConfig{Preset: session.PresetRefJWT4}},
		{InsecureShortLifetimes: true, RefreshTokenValidity: 2 * time.Second, AccessTokenValidity: 2 * time.Second},
		{AccessTokenValidity: 5 * time.Minute, RefreshTokenValidity: 5 * time.Minute},
		{AccessTokenValidity: 5 * time.Minute, RefreshTokenValidity: 15 * time.Minute}, // what NIST SP 800-63B asks for
		{SessionLifetime: 3650 * 24 * time.Hour, SigningKey: session.SigningKeyConfig{Rotation: session.Off}},
		{Issuer: "https://例え.example", Audiences: []string{strings.Repeat("x", 126)}},
		{Issuer: strings.Repeat("x", 256), Audiences: eightNames(25)},
	} {
		svc, err := session.New(t.Context(), memstore.New(), cfg)
		require.NoError(t, err)
		svc.Close()
		svc.Close() // idempotent
	}
}

// eightNames are as many audiences as there may be, of n characters each.
func eightNames(n int) (names []string) {
	for i := range 8 {
		names = append(names, fmt.Sprintf("%0*d", n, i))
	}
	return names
}
