package session_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The clients of protocol.md: what tells them apart is one header.
var (
	oldClient    = map[string]string{}
	cookieClient = map[string]string{"st-auth-mode": "cookie"}
	headerClient = map[string]string{"st-auth-mode": "header"}
)

func (k *kit) signIn(t *testing.T, headers map[string]string, opts ...session.CreateOption) sent {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, headers), "user", opts...)
	require.NoError(t, err)
	return sentBy(t, w)
}

func TestTransport_CreateByCookie(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for name, client := range map[string]map[string]string{"old": oldClient, "modern": cookieClient, "unknown mode": {"st-auth-mode": "smoke"}} {
		got := k.signIn(t, client)
		access, refresh := got.cookies["sAccessToken"], got.cookies["sRefreshToken"]
		require.Len(t, got.cookies, 2, name)
		for _, c := range []*http.Cookie{access, refresh} {
			require.True(t, c.HttpOnly)
			require.True(t, c.Secure)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite)
			require.Empty(t, c.Domain)
			ends := testpage.IdleEnd(k.clock.Now(), 100*24*time.Hour)
			require.Equal(t, int(ends.Sub(k.clock.Now()).Seconds()), c.MaxAge)
		}
		require.Equal(t, "/", access.Path)
		require.Equal(t, "/auth/session/refresh", refresh.Path)
		require.NotEmpty(t, got.header.Get("anti-csrf"))
		require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		require.NotContains(t, got.header, "St-Access-Token")
		require.NotContains(t, got.header, "St-Refresh-Token")
		require.NotContains(t, got.header, "Access-Control-Allow-Credentials")
		require.NotContains(t, got.header, "Access-Control-Expose-Headers", "nobody asked from another origin")

		id, ends, found := strings.Cut(got.header.Get("id-refresh-token"), ";")
		require.Equal(t, name == "old", found, "only clients without st-auth-mode go by it")
		if found {
			require.NotEmpty(t, id)
			require.Equal(t, strconv.FormatInt(testpage.IdleEnd(k.clock.Now(), 100*24*time.Hour).UnixMilli(), 10), ends)
		}
	}
}

func TestTransport_CreateByHeader(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	got := k.signIn(t, headerClient)
	require.Empty(t, got.cookies)
	require.NotEmpty(t, got.header.Get("st-access-token"))
	require.NotEmpty(t, got.header.Get("st-refresh-token"))
	require.NotEmpty(t, got.header.Get("front-token"))
	require.Empty(t, got.header.Get("anti-csrf"), "a token in a header needs none")
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))

	r := request(t, map[string]string{"Authorization": "bearer " + got.header.Get("st-access-token")})
	_, err := k.VerifyHTTP(httptest.NewRecorder(), r)
	require.NoError(t, err, "the scheme's case does not matter, and no st-auth-mode is needed")

	w := httptest.NewRecorder()
	_, err = k.RefreshHTTP(w, request(t, map[string]string{"Authorization": "Bearer " + got.header.Get("st-refresh-token")}))
	require.NoError(t, err)
	again := sentBy(t, w)
	require.Empty(t, again.cookies)
	require.NotEmpty(t, again.header.Get("st-access-token"))
	require.Empty(t, again.header.Get("anti-csrf"))

	w = httptest.NewRecorder()
	_, err = k.VerifyHTTP(w, request(t, map[string]string{"Authorization": "Bearer " + again.header.Get("st-access-token")}))
	require.NoError(t, err)
	promoted := sentBy(t, w)
	require.NotEmpty(t, promoted.header.Get("st-access-token"))
	require.NotContains(t, promoted.header, "St-Refresh-Token")
	require.Empty(t, promoted.cookies)
}

func TestTransport_ExposesWhatItSends(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w := httptest.NewRecorder()
	w.Header().Set("Access-Control-Expose-Headers", "X-App, FRONT-token")
	w.Header().Set("Cache-Control", "private")
	_, err := k.CreateHTTP(w, request(t, map[string]string{"Origin": "https://page.example", "rid": "session"}), "user")
	require.NoError(t, err)
	require.Equal(t, "X-App, FRONT-token, anti-csrf, id-refresh-token", sentBy(t, w).header.Get("Access-Control-Expose-Headers"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}

// front decodes a front token as the pages do: standard base64 of Latin-1 JSON.
func front(t *testing.T, text string) (uid string, ate int64, up map[string]any) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	for _, b := range raw {
		require.Less(t, b, byte(0x80), "only ASCII is read alike by all")
	}
	var token struct {
		UID string         `json:"uid"`
		Ate int64          `json:"ate"`
		Up  map[string]any `json:"up"`
	}
	require.NoError(t, json.Unmarshal(raw, &token))
	require.NotNil(t, token.Up)
	return token.UID, token.Ate, token.Up
}

func TestTransport_FrontToken(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	payload := map[string]any{"name": "ł馬😀 & <b>", "n": float64(1)}
	for _, client := range []map[string]string{oldClient, cookieClient} {
		w := httptest.NewRecorder()
		_, err := k.CreateHTTP(w, request(t, client), "ü\"ser", session.WithPayload(payload))
		require.NoError(t, err)
		uid, ate, up := front(t, w.Header().Get("front-token"))
		require.Equal(t, "ü\"ser", uid)
		require.Equal(t, k.clock.Now().Add(time.Hour).UnixMilli(), ate)
		if len(client) > 0 {
			require.EqualValues(t, k.clock.Now().Unix(), up["iat"])
			require.EqualValues(t, ate/1000, up["exp"])
			require.Equal(t, uid, up["sub"])
			delete(up, "iat")
			delete(up, "exp")
			delete(up, "sub")
		}
		require.Equal(t, payload, up)
	}
	for _, v := range []any{nil, []int{1}, "text", 7, true, map[string]any{}} {
		_, _, up := front(t, k.signIn(t, oldClient, session.WithPayload(v)).header.Get("front-token"))
		require.Empty(t, up, "a page can only read an object")
		_, _, up = front(t, k.signIn(t, cookieClient, session.WithPayload(v)).header.Get("front-token"))
		require.Len(t, up, 3)
	}
}

func TestTransport_Clear(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for _, row := range []struct {
		name         string
		client       map[string]string
		front, id    string
		stAccessSent bool
	}{
		{"before 16", oldClient, "", "remove", false},
		{"from 16, cookies", cookieClient, "remove", "", false},
		{"from 16, headers", headerClient, "remove", "", true},
	} {
		got := k.signIn(t, row.client)
		headers := map[string]string{"anti-csrf": got.header.Get("anti-csrf")}
		maps.Copy(headers, row.client)
		var cookies []string
		if row.stAccessSent {
			headers["Authorization"] = "Bearer " + got.header.Get("st-access-token")
		} else {
			cookies = []string{"sAccessToken=" + got.value("sAccessToken")}
		}
		w := httptest.NewRecorder()
		require.NoError(t, k.SignOutHTTP(w, request(t, headers, cookies...)), row.name)
		out := sentBy(t, w)
		require.Equal(t, row.front, out.header.Get("front-token"), row.name)
		require.Equal(t, row.id, out.header.Get("id-refresh-token"), row.name)
		require.Equal(t, "no-store", out.header.Get("Cache-Control"))
		require.Equal(t, !row.stAccessSent, out.cleared("sAccessToken") && out.cleared("sRefreshToken"), row.name)
		values, present := out.header["St-Access-Token"]
		require.Equal(t, row.stAccessSent, present, row.name)
		if present {
			require.Equal(t, []string{""}, values)
		}
		for _, c := range out.cookies {
			require.Equal(t, got.cookies[c.Name].Path, c.Path, "cleared under the same path")
			require.True(t, c.Secure && c.HttpOnly)
		}
	}
}

// Create and revoke in one handler: the last word counts, one line per cookie.
func TestTransport_CreateThenRevokeInOneResponse(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w := httptest.NewRecorder()
	http.SetCookie(w, &http.Cookie{Name: "app", Value: "1"})
	x := k.Exchange(w, request(t, oldClient))
	sess, err := x.Create("user")
	require.NoError(t, err)
	require.NoError(t, sess.Revoke(t.Context()))
	x.Close()
	got := sentBy(t, w)
	require.True(t, got.cleared("sAccessToken"))
	require.True(t, got.cleared("sRefreshToken"))
	require.Equal(t, "1", got.value("app"), "other packages' cookies stay")
	require.Empty(t, got.header.Get("anti-csrf"))
	require.Empty(t, got.header.Get("front-token"))
}
