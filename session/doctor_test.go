package session_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// kek is a key-encryption key.
func kek(first byte) []byte { return append(bytes.Repeat([]byte{7}, 31), first) }

func encrypted(c *session.Config) { c.SigningKey.Encryption = [][]byte{kek(1)} }

// findingsOf are the findings, one line each.
func findingsOf(list []models.Finding) string {
	var text strings.Builder
	for _, f := range list {
		fmt.Fprintf(&text, "%s %s: %s\n", f.Severity, f.About, f.Problem)
	}
	return text.String()
}

func TestDoctor_nothingIsWrong(t *testing.T) {
	t.Parallel()
	k := newKit(t, encrypted, func(c *session.Config) { c.Revocation = session.RevokeSoon })
	require.Empty(t, k.Doctor(t.Context(), "https://app.example", "https://app.example/"))
}

func TestDoctor_clearKeys(t *testing.T) {
	t.Parallel()
	list := newKit(t).Doctor(t.Context())
	require.Len(t, list, 1)
	require.Contains(t, findingsOf(list), "warning keys: 2 signing keys are stored in clear")
}

// A row that was sealed by another key, or written by somebody without one.
func TestDoctor_keysThatDoNotOpen(t *testing.T) {
	t.Parallel()
	for purpose, want := range map[models.KeyPurpose]string{models.KeyForAccess: "warning", models.KeyForRefresh: "error"} {
		store := memstore.New()
		k := newKitOn(t, store, nil, encrypted)
		now := k.clock.Now().UnixMilli()
		require.NoError(t, store.InsertKey(t.Context(), models.SigningKey{
			ID: "FOREIGNKEYID", Purpose: purpose, Slot: now + 1, Algorithm: map[models.KeyPurpose]string{models.KeyForAccess: "HS256", models.KeyForRefresh: "HMAC-SHA256"}[purpose],
			Secret: append([]byte{3}, bytes.Repeat([]byte{9}, 60)...), CreatedAt: now, ActiveFrom: now, RetireAt: now + time.Hour.Milliseconds(),
		}))
		text := findingsOf(k.Doctor(t.Context()))
		require.Contains(t, text, want+` keys: signing key "FOREIGNKEYID" for `+string(purpose)+" tokens is of no use here: no key-encryption key opens")
		require.NotContains(t, text, string(bytes.Repeat([]byte{9}, 3)))
	}
}

func TestDoctor_keysThatNobodyReplaces(t *testing.T) {
	t.Parallel()
	k := newKit(t, encrypted)
	k.clock.Advance(24*time.Hour + 9*time.Minute)
	require.Empty(t, k.Doctor(t.Context()))
	k.clock.Advance(2 * time.Minute)
	require.Contains(t, findingsOf(k.Doctor(t.Context())), "warning keys: a key has signed access tokens for 24h11m0s, and SigningKey.Rotation is 24h0m0s")
}

func TestDoctor_keysCannotBeRead(t *testing.T) {
	t.Parallel()
	k := newKit(t, encrypted)
	k.store.Arm(storetest.Fault{Method: "Keys"})
	require.Contains(t, findingsOf(k.Doctor(t.Context())), "error keys: the rows of the signing keys cannot be read")
}

func TestDoctor_feedLags(t *testing.T) {
	t.Parallel()
	for _, mode := range []session.RevocationMode{session.RevokeSoon, session.RevokeAtExpiry} {
		synctest.Test(t, func(t *testing.T) {
			store := storetest.Faulty(memstore.New())
			svc, err := session.New(t.Context(), store, session.Config{
				Revocation: mode, Feed: session.FeedConfig{Within: time.Second},
			})
			require.NoError(t, err)
			defer svc.Close()
			time.Sleep(3 * time.Second)
			require.NotContains(t, findingsOf(svc.Doctor(t.Context())), "feed")
			store.Arm(storetest.Fault{Method: "ReadFeed"})
			time.Sleep(3 * time.Second)
			want := "error feed"
			if mode != session.RevokeSoon {
				want = "warning feed"
			}
			require.Contains(t, findingsOf(svc.Doctor(t.Context())), want)
		})
	}
}

func TestDoctor_closed(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.Close()
	list := k.Doctor(t.Context())
	require.Len(t, list, 1)
	require.Equal(t, "service", list[0].About)
}

// diagnosed is a store that says what it is told to say.
type diagnosed struct {
	session.Store
	says func(ctx context.Context) models.Diagnosis
}

func (s diagnosed) Diagnose(ctx context.Context) models.Diagnosis { return s.says(ctx) }

// Only what a clock is off for certain counts, and the worst comes first.
func TestDoctor_clocks(t *testing.T) {
	t.Parallel()
	asked := time.UnixMilli(1_750_000_000_000)
	for row, c := range map[string]struct {
		ahead, took time.Duration
		want        string
	}{
		"right":                       {0, 0, ""},
		"a little ahead":              {1900 * time.Millisecond, 0, ""},
		"ahead":                       {2 * time.Second, 0, "warning clock"},
		"behind":                      {-2 * time.Second, 0, "warning clock"},
		"far ahead":                   {time.Minute, 0, "error clock"},
		"far behind":                  {-time.Hour, 0, "error clock"},
		"as late as the answer":       {9 * time.Second, 10 * time.Second, ""},
		"later than the answer":       {12 * time.Second, 10 * time.Second, "warning clock"},
		"before the question was put": {-3 * time.Second, 10 * time.Second, "warning clock"},
	} {
		store := diagnosed{memstore.New(), func(context.Context) models.Diagnosis {
			return models.Diagnosis{
				Clock: asked.Add(c.ahead).UnixMilli(), Asked: asked, Answered: asked.Add(c.took),
				Findings: []models.Finding{{Severity: models.SeverityWarning, About: "replica"}},
			}
		}}
		svc, err := session.New(t.Context(), store, session.Config{SigningKey: session.SigningKeyConfig{Encryption: [][]byte{kek(1)}}})
		require.NoError(t, err)
		text := findingsOf(svc.Doctor(t.Context()))
		svc.Close()
		require.Contains(t, text, "warning replica")
		require.Contains(t, text, c.want, row)
		require.Equal(t, c.want != "", strings.Contains(text, "clock"), row)
		if strings.HasPrefix(c.want, "error") {
			require.True(t, strings.HasPrefix(text, "error"), row)
		}
	}
}

// A database that hangs takes ten seconds, and no longer.
func TestDoctor_ends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended error
		store := diagnosed{memstore.New(), func(ctx context.Context) models.Diagnosis {
			<-ctx.Done()
			ended = ctx.Err()
			return models.Diagnosis{Findings: []models.Finding{{Severity: models.SeverityError, About: "database"}}}
		}}
		svc, err := session.New(t.Context(), store, session.Config{})
		require.NoError(t, err)
		defer svc.Close()
		began := time.Now()
		require.Contains(t, findingsOf(svc.Doctor(t.Context())), "error database")
		require.Equal(t, 10*time.Second, time.Since(began))
		require.True(t, errors.Is(ended, context.DeadlineExceeded))
	})
}

// Where tokens travel in headers alone there are no cookies to lose.
func TestDoctor_addressesWithoutCookies(t *testing.T) {
	t.Parallel()
	for carriers, want := range map[session.Carriers]int{session.CarriersAny: 1, session.CarriersHeader: 0} {
		k := newKit(t, encrypted, func(c *session.Config) { c.FrontEnds.Carriers = carriers })
		require.Len(t, k.Doctor(t.Context(), "http://app.example"), want)
	}
}

func TestDoctor_addresses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		address string
		cookie  session.CookieConfig
		want    string // of the one finding, or none
	}{
		{"https://app.example", session.CookieConfig{}, ""},
		{"https://app.example:8443", session.CookieConfig{}, ""},
		{"https://app.example", session.CookieConfig{Domain: "app.example"}, ""},
		{"https://APP.example", session.CookieConfig{Domain: ".App.Example"}, ""},
		{"https://api.app.example", session.CookieConfig{Domain: "app.example"}, ""},
		{"https://app.example", session.CookieConfig{Domain: "api.app.example"}, "error cookies: \"https://app.example\": browsers refuse"},
		{"https://myapp.example", session.CookieConfig{Domain: "app.example"}, "error"},
		{"https://other.example", session.CookieConfig{Domain: "app.example"}, "error"},
		{"https://192.0.2.7", session.CookieConfig{Domain: "app.example"}, "error"},
		{"https://192.0.2.7", session.CookieConfig{}, ""},
		{"https://[::1]:8443", session.CookieConfig{}, ""},
		{"http://app.example", session.CookieConfig{}, "error cookies: \"http://app.example\": browsers keep no Secure cookie"},
		{"http://app.example", session.CookieConfig{Insecure: true}, "error"},
		{"https://app.example", session.CookieConfig{Insecure: true}, "error"},
		{"http://localhost:8080", session.CookieConfig{}, "warning"},
		{"http://localhost:8080", session.CookieConfig{Insecure: true}, ""},
		{"http://127.0.0.1:8080", session.CookieConfig{Insecure: true}, ""},
		{"http://[::1]:8080", session.CookieConfig{Insecure: true}, ""},
		{"http://localhost.evil.example", session.CookieConfig{Insecure: true}, "error"},
		{"https://app.example/shop", session.CookieConfig{}, "error cookies: \"https://app.example/shop\": Cookie.RefreshPath is /auth/session/refresh"},
		{"https://app.example/shop/", session.CookieConfig{RefreshPath: "/shop/refresh"}, ""},
		{"https://app.example/shop", session.CookieConfig{AccessPath: "/shop", RefreshPath: "/shop/refresh"}, ""},
		{"https://app.example/shop", session.CookieConfig{AccessPath: "/shopping", RefreshPath: "/shopping/refresh"}, "two"},
		{"app.example", session.CookieConfig{}, "error cookies: \"\": this is no http or https address"},
		{"", session.CookieConfig{}, "error"},
		{"ftp://app.example", session.CookieConfig{}, "error"},
		{"https://user:secret@app.example", session.CookieConfig{}, "error"},
		{"https:///path", session.CookieConfig{}, "error"},
		{"https://%zz", session.CookieConfig{}, "error"},
	} {
		k := newKit(t, encrypted, func(c *session.Config) { c.Cookie = row.cookie })
		list := k.Doctor(t.Context(), row.address)
		text := findingsOf(list)
		require.NotContains(t, text, "user:secret")
		switch row.want {
		case "":
			require.Empty(t, list, row.address)
		case "two":
			require.Len(t, list, 2, row.address)
		default:
			require.Len(t, list, 1, row.address)
			require.True(t, strings.HasPrefix(text, row.want), "%s: %s", row.address, text)
			require.NotEmpty(t, list[0].Remedy)
		}
	}
}
