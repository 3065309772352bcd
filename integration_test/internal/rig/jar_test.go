package rig_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

const (
	sibling = "evil.example.com"
	child   = "evil.app.example.com"
)

// What a sibling host may plant is what browsers let it (RFC 6265bis, section 5.7).
func TestJar_Planting(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		host, line string
		taken      bool
	}{
		{sibling, "sAccessToken=x; Domain=example.com; Path=/", true},
		{sibling, "sAccessToken=x; Domain=.EXAMPLE.com; Path=/", true},
		{sibling, "sAccessToken=x; Domain=app.example.com; Path=/", false},
		{child, "sAccessToken=x; Domain=app.example.com; Path=/", true},
		{sibling, "sAccessToken=x; Domain=com; Path=/", false},
		{sibling, "sAccessToken=x; Domain=ample.com; Path=/", false},
		{sibling, "__Secure-sRefreshToken=x; Domain=example.com; Path=/; Secure", true},
		{sibling, "__Secure-sRefreshToken=x; Domain=example.com; Path=/", false},
		{sibling, "__Host-sAccessToken=x; Domain=example.com; Path=/; Secure", false},
		{child, "__hOST-sAccessToken=x; Domain=app.example.com; Path=/; Secure", false},
		{rig.Host, "__Host-sAccessToken=x; Path=/; Secure", true},
		{rig.Host, "__Host-sAccessToken=x; Path=/me; Secure", false},
		{rig.Host, "__Host-sAccessToken=x; Secure", false},
		{rig.Host, "sAccessToken=x; SameSite=None", false},
		{rig.Host, "sAccessToken=x; SameSite=None; Secure", true},
	} {
		jar := rig.NewJar(time.Now, false)
		require.Equal(t, row.taken, jar.Plant(row.host, row.line, "planted"), "%s from %s", row.line, row.host)
	}
}

func jarWith(now func() time.Time, lines ...string) *rig.Jar {
	jar := rig.NewJar(now, false)
	jar.Take(rig.Reply{Status: http.StatusOK, Header: http.Header{"Set-Cookie": lines}})
	return jar
}

// Longer paths come first, then what was created earlier, which a new value does not change;
// and a copy elsewhere is another cookie.
func TestJar_Order(t *testing.T) {
	t.Parallel()
	jar := rig.NewJar(time.Now, false)
	require.True(t, jar.Plant(sibling, "sAccessToken=early; Domain=example.com; Path=/", "planted"))
	jar.Take(rig.Reply{Header: http.Header{"Set-Cookie": {"sAccessToken=own; Path=/; Secure"}}})
	require.True(t, jar.Plant(sibling, "sAccessToken=long; Domain=example.com; Path=/me", "planted"))
	require.True(t, jar.Plant(child, "sAccessToken=late; Domain=app.example.com; Path=/", "planted"))
	require.True(t, jar.Plant(sibling, "sAccessToken=early2; Domain=example.com; Path=/", "planted"))
	r := jar.Request(http.MethodGet, "/me")
	require.Equal(t, "sAccessToken=long; sAccessToken=early2; sAccessToken=own; sAccessToken=late", r.Header.Get("Cookie"))
	require.Equal(t, "own", r.Access)
	require.Len(t, r.Ahead, 2)
	require.Len(t, r.Plants, 3)
	require.Equal(t, "sAccessToken=early2; sAccessToken=own; sAccessToken=late", jar.Request(http.MethodGet, "/meet").Header.Get("Cookie"))
	require.Equal(t, "own", jar.Access())

	require.False(t, jar.Take(rig.Reply{Header: http.Header{"Set-Cookie": {"sAccessToken=; Domain=example.com; Path=/; Max-Age=0"}}}),
		"the own one is untouched")
	require.Equal(t, "sAccessToken=own; sAccessToken=late", jar.Request(http.MethodGet, "/").Header.Get("Cookie"))
	jar.Weed()
	require.Equal(t, "sAccessToken=own", jar.Request(http.MethodGet, "/me").Header.Get("Cookie"))
	require.True(t, jar.Take(rig.Reply{Header: http.Header{"Set-Cookie": {"sAccessToken=; Path=/; Max-Age=0"}}}))
	require.Empty(t, jar.Access())
}

// Across sites only cookies go that say so, and only such are taken; a sibling host is no
// other site.
func TestJar_Sites(t *testing.T) {
	t.Parallel()
	const lax, none = "sAccessToken=lax; Path=/; Secure; SameSite=Lax", "sAccessToken=none; Path=/; Secure; SameSite=None"
	for _, row := range []struct {
		site         rig.Site
		had, sent    string
		reply, after string
	}{
		{rig.CrossSite, lax, "", lax, "lax"},
		{rig.CrossSite, none, "none", "sAccessToken=x; Path=/; Secure; SameSite=None", "x"},
		{rig.CrossSite, none, "none", "sAccessToken=x; Path=/; Secure; SameSite=Lax", "none"},
		{rig.SameSite, lax, "lax", "sAccessToken=x; Path=/; Secure; SameSite=Lax", "x"},
	} {
		jar := jarWith(time.Now, row.had)
		require.Equal(t, row.sent, jar.RequestOf(rig.Page{Site: row.site}, http.MethodPost, "/me").Access)
		jar.TakeOf(row.site, rig.Reply{Header: http.Header{"Set-Cookie": {row.reply}}})
		require.Equal(t, row.after, jar.Access())
	}
}

// Max-Age wins over Expires, and what is too large or over is not there.
func TestJar_Ends(t *testing.T) {
	t.Parallel()
	clock := sessiontest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	past := "; Expires=" + clock.Now().Add(-time.Hour).Format(http.TimeFormat)
	jar := jarWith(clock.Now, "sAccessToken=a; Path=/; Max-Age=10"+past, "sRefreshToken=r; Path="+rig.RefreshPath+past)
	require.Equal(t, "a", jar.Access())
	require.Empty(t, jar.Refresh())
	clock.Advance(10 * time.Second)
	require.Empty(t, jar.Access())
	require.Empty(t, jar.Request(http.MethodGet, "/me").Header.Get("Cookie"))
}

// The own page says where it is, as browsers do; it needs no proof but that.
func TestJar_OwnPage(t *testing.T) {
	t.Parallel()
	jar := rig.NewJar(time.Now, false)
	post := jar.Request(http.MethodPost, "/login?user=u")
	require.Equal(t, rig.Host, post.Host)
	require.Equal(t, "https://"+rig.Host, post.Header.Get("Origin"))
	require.Equal(t, "same-origin", post.Header.Get("Sec-Fetch-Site"))
	require.Empty(t, jar.Request(http.MethodGet, "/me").Header.Get("Origin"))
	require.Empty(t, rig.NewJar(time.Now, true).Request(http.MethodPost, "/login").Header.Get("Origin"), "no browser")
}
