package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// cookieLines are the Set-Cookie lines of an answer, in their order, without what
// differs from run to run: the values, and when the cookies end.
func cookieLines(w *httptest.ResponseRecorder) (lines []string) {
	for _, line := range w.Header().Values("Set-Cookie") {
		var kept []string
		for i, part := range strings.Split(line, "; ") {
			name, value, _ := strings.Cut(part, "=")
			switch {
			case i == 0 && value != "":
				part = name + "=…"
			case name == "Expires", name == "Max-Age" && value != "0":
				continue
			}
			kept = append(kept, part)
		}
		lines = append(lines, strings.Join(kept, "; "))
	}
	return lines
}

// The lines as browsers get them. Each is taken under its prefix, and what deletes a
// cookie has the attributes of the one that it deletes: a partitioned cookie and one
// that is not are two.
func TestPartitioned_Lines(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) {
		c.FrontEnds.Preset = session.PresetModern
		c.Cookie = session.CookieConfig{
			Prefixes: session.PrefixHTTP, Partitioned: true, SameSite: http.SameSiteNoneMode,
			Older: []session.OlderCookieConfig{{Prefixes: session.PrefixHTTP}, {Domain: "app.example", Partitioned: true}},
		}
	})
	const (
		none       = "; HttpOnly; Secure; SameSite=None"
		access     = "__Host-Http-sAccessToken=…; Path=/" + none + "; Partitioned"
		refresh    = "__Secure-sRefreshToken=…; Path=/auth/session/refresh" + none + "; Partitioned"
		oldAccess  = "__Host-Http-sAccessToken=; Path=/; Max-Age=0" + none
		oldRefresh = "__Secure-sRefreshToken=; Path=/auth/session/refresh; Max-Age=0" + none
		ofDomain   = "sAccessToken=; Path=/; Domain=app.example; Max-Age=0" + none + "; Partitioned"
		ofDomain2  = "sRefreshToken=; Path=/auth/session/refresh; Domain=app.example; Max-Age=0" + none + "; Partitioned"
	)
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, nil), "ada")
	require.NoError(t, err)
	require.Equal(t, []string{oldAccess, ofDomain, oldRefresh, ofDomain2, access, refresh}, cookieLines(w))
	got := sentBy(t, w)
	mine := "__Host-Http-sAccessToken=" + got.cookies["__Host-Http-sAccessToken"].Value
	renewal := "__Secure-sRefreshToken=" + got.cookies["__Secure-sRefreshToken"].Value

	w = httptest.NewRecorder()
	_, err = k.RefreshHTTP(w, request(t, nil, mine, renewal))
	require.NoError(t, err)
	require.Equal(t, []string{oldAccess, ofDomain, oldRefresh, ofDomain2, access, refresh}, cookieLines(w))

	renewed := sentBy(t, w)
	proof := map[string]string{"anti-csrf": renewed.header.Get("anti-csrf")}
	w = httptest.NewRecorder()
	r := request(t, proof, "__Host-Http-sAccessToken="+renewed.cookies["__Host-Http-sAccessToken"].Value)
	sess, err := k.VerifyHTTP(w, r)
	require.NoError(t, err)
	require.Equal(t, []string{oldAccess, ofDomain, access}, cookieLines(w), "the promoted access token alone")

	w = httptest.NewRecorder()
	r.Header.Set("Cookie", "__Host-Http-sAccessToken="+sess.AccessToken().Value)
	require.NoError(t, k.SignOutHTTP(w, r))
	gone := func(line string) string {
		return strings.Replace(strings.Replace(line, "=…", "=", 1), none, "; Max-Age=0"+none, 1)
	}
	require.Equal(t, []string{oldAccess, ofDomain, oldRefresh, ofDomain2, gone(access), gone(refresh)}, cookieLines(w))
}

// Where a browser sends two of a name, both kinds of copy are removed, whatever is in
// use and whoever set them.
func TestPartitioned_Duplicates(t *testing.T) {
	t.Parallel()
	for _, partitioned := range []bool{false, true} {
		k := newKit(t, func(c *session.Config) { c.Cookie.Partitioned = partitioned })
		got := k.signIn(t, cookieClient)
		access, refresh := "sAccessToken="+got.value("sAccessToken"), "sRefreshToken="+got.value("sRefreshToken")
		w := httptest.NewRecorder()
		_, err := k.RefreshHTTP(w, request(t, cookieClient, access, "sAccessToken=another", refresh))
		require.NoError(t, err)
		lines := strings.Join(cookieLines(w), "\n") + "\n"
		for _, name := range []string{"sAccessToken=; Path=/; ", "sRefreshToken=; Path=/auth/session/refresh; "} {
			for _, domain := range []string{"", "Domain=app.example; "} {
				for _, end := range []string{"\n", "; Partitioned\n"} {
					mine := domain == "" && strings.HasPrefix(end, ";") == partitioned
					line := name + domain + "Max-Age=0; HttpOnly; Secure; SameSite=Lax" + end
					require.Equal(t, !mine, strings.Contains(lines, line), "%s of\n%s", line, lines)
				}
			}
		}
	}
}
