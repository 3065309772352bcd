package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// claim reads a text claim from an access token, as anybody can.
func claim(t *testing.T, token, name string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(raw, &claims))
	text, _ := claims[name].(string)
	return text
}

// Cookies are cleared on a definite end and on nothing else (CK-08).
func TestClearing_OnlyOnADefiniteEnd(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.Revocation = session.RevokeImmediately })
	got := k.signIn(t, oldClient)
	access, refresh := "sAccessToken="+got.value("sAccessToken"), "sRefreshToken="+got.value("sRefreshToken")

	_, out, err := k.refresh(t, nil)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.Empty(t, out.cookies, "a visitor has nothing to clear, and a sign-in may be on its way")
	require.Equal(t, "remove", out.header.Get("id-refresh-token"))

	_, out, err = k.refresh(t, nil, access)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.Empty(t, out.cookies, "its session lives: the refresh cookie just did not come along")

	_, out, err = k.refresh(t, nil, refresh+"A", access)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.Empty(t, out.cookies, "what is not ours is not cleared")

	for _, fault := range []storetest.Fault{{}, {Mode: storetest.ErrorAfter}} {
		k.store.Arm(fault)
		_, out, err = k.refresh(t, nil, refresh, access)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.Empty(t, out.cookies)
		out, err = k.verify(t, nil, access)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.Empty(t, out.cookies)
	}
	k.store.Arm()

	w := httptest.NewRecorder()
	_, err = k.VerifyHTTP(w, request(t, nil, access)) // a POST without the anti-CSRF token
	require.ErrorIs(t, err, errors.ErrAntiCSRF)
	require.Empty(t, sentBy(t, w).cookies)

	ended, err := k.Revoke(t.Context(), got.handle(t))
	require.NoError(t, err)
	require.True(t, ended)
	out, err = k.verify(t, nil, access)
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
	require.True(t, out.cleared("sAccessToken") && out.cleared("sRefreshToken"))
}

// A sign-in ends the session that its request came with (SM-14).
func TestClearing_SignInEndsThePresentedSession(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	first := k.signIn(t, oldClient)
	k.clock.Advance(2 * time.Hour) // expired, but authentic
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, nil, "sAccessToken="+first.value("sAccessToken")), "somebody else")
	require.NoError(t, err)
	_, err = k.Refresh(t.Context(), first.value("sRefreshToken"))
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
	require.NotEqual(t, first.handle(t), sentBy(t, w).handle(t))

	w = httptest.NewRecorder()
	_, err = k.CreateHTTP(w, request(t, nil, "sAccessToken="+strings.TrimSuffix(first.value("sAccessToken"), "A")+"B"), "user")
	require.NoError(t, err, "a forged token ends nothing and hinders nobody")
}

// The anti-CSRF proof: who needs it, what is no proof (CS-02).
func TestAntiCSRF_Table(t *testing.T) {
	t.Parallel()
	modes := map[string]session.AntiCSRFMode{
		"token": session.AntiCSRFViaToken, "header": session.AntiCSRFViaCustomHeader, "off": session.InsecureAntiCSRFOff,
	}
	for mode, setting := range modes {
		k := newKit(t, func(c *session.Config) { c.AntiCSRF.Mode = setting })
		got, other := k.signIn(t, cookieClient), k.signIn(t, cookieClient)
		require.Equal(t, mode == "token", got.header.Get("anti-csrf") != "")
		for _, row := range []struct {
			name, method string
			proof        map[string]string
			opts         []session.VerifyOption
			passes       map[string]bool
		}{
			{"POST without", http.MethodPost, nil, nil, map[string]bool{"off": true}},
			{"POST with an empty one", http.MethodPost, map[string]string{"anti-csrf": ""}, nil, map[string]bool{"off": true}},
			{"POST with another session's", http.MethodPost, map[string]string{"anti-csrf": other.header.Get("anti-csrf") + "x"}, nil, map[string]bool{"off": true}},
			{"POST with a huge one", http.MethodPost, map[string]string{"anti-csrf": strings.Repeat("x", 1<<16)}, nil, map[string]bool{"off": true}},
			{"PATCH without", "PATCH", nil, nil, map[string]bool{"off": true}},
			{"invented method without", "FOO", nil, nil, map[string]bool{"off": true}},
			{"POST with rid", http.MethodPost, map[string]string{"rid": "anti-csrf"}, nil, map[string]bool{"header": true, "off": true}},
			{"POST with its own", http.MethodPost, map[string]string{"anti-csrf": got.header.Get("anti-csrf")}, nil, map[string]bool{"token": true, "off": true}},
			{"GET where it is required", http.MethodGet, nil, []session.VerifyOption{session.RequireAntiCSRF()}, map[string]bool{"off": true}},
			{"GET", http.MethodGet, nil, nil, map[string]bool{"token": true, "header": true, "off": true}},
			{"HEAD", http.MethodHead, nil, nil, map[string]bool{"token": true, "header": true, "off": true}},
			{"POST where it is skipped", http.MethodPost, nil, []session.VerifyOption{session.InsecureSkipAntiCSRF()}, map[string]bool{"token": true, "header": true, "off": true}},
		} {
			r := request(t, row.proof, "sAccessToken="+got.value("sAccessToken"))
			r.Method = row.method
			_, err := k.VerifyHTTP(httptest.NewRecorder(), r, row.opts...)
			if row.passes[mode] {
				require.NoError(t, err, "%s: %s", mode, row.name)
			} else {
				require.ErrorIs(t, err, errors.ErrAntiCSRF, "%s: %s", mode, row.name)
				require.ErrorIs(t, err, errors.ErrTryRefreshToken)
			}
		}
	}
}

// A session by header has no anti-CSRF token, so its access token in a cookie passes for reading only.
func TestAntiCSRF_HeaderSessionInACookie(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	access := k.signIn(t, headerClient).header.Get("st-access-token")
	_, err := k.VerifyHTTP(httptest.NewRecorder(), request(t, map[string]string{"anti-csrf": "x"}, "sAccessToken="+access))
	require.ErrorIs(t, err, errors.ErrAntiCSRF)
}

func TestAntiCSRF_OnRefresh(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.AntiCSRF.OnRefresh = true })
	got := k.signIn(t, cookieClient)
	cookie := "sRefreshToken=" + got.value("sRefreshToken")
	_, out, err := k.refresh(t, nil, cookie)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	require.ErrorIs(t, err, errors.ErrAntiCSRF)
	require.Empty(t, out.cookies, "whoever can ask for a refresh could sign users out")
	_, next, err := k.refresh(t, map[string]string{"anti-csrf": got.header.Get("anti-csrf")}, cookie)
	require.NoError(t, err)
	require.NotEqual(t, got.header.Get("anti-csrf"), next.header.Get("anti-csrf"), "a new one with every refresh")
	_, _, err = k.refresh(t, map[string]string{"anti-csrf": got.header.Get("anti-csrf")}, "sRefreshToken="+next.value("sRefreshToken"))
	require.ErrorIs(t, err, errors.ErrAntiCSRF)

	mobile := k.signIn(t, headerClient)
	_, _, err = k.refresh(t, map[string]string{"Authorization": "Bearer " + mobile.header.Get("st-refresh-token")})
	require.NoError(t, err, "a token in a header needs no proof")
}

// Cookies without Secure are for the loopback interface (CK-12).
func TestInsecure_RefusedElsewhere(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	k := newKit(t, func(c *session.Config) {
		c.Cookie.Insecure = true
		c.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	for host, allowed := range map[string]bool{
		"app.example": false, "10.0.0.1": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "": false, "0.0.0.0:80": false,
		"localhost": true, "localhost:8080": true, "LOCALHOST": true, "a.localhost:1": true, "127.0.0.1:99": true, "127.9.9.9": true, "[::1]:8080": true, "::1": true,
	} {
		r := request(t, nil)
		r.Host = host
		w := httptest.NewRecorder()
		_, err := k.CreateHTTP(w, r, "user")
		if allowed {
			require.NoError(t, err, host)
			require.False(t, sentBy(t, w).cookies["sAccessToken"].Secure)
			continue
		}
		require.ErrorIs(t, err, errors.ErrConfig, host)
		require.Empty(t, w.Header())
	}
	require.Equal(t, 1, strings.Count(logs.String(), "\n"), "said once, however many come: %s", &logs)
	require.Contains(t, logs.String(), "Cookie.Insecure")
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.Cookie.Prefixes = session.PrefixHost })
	got := k.signIn(t, oldClient)
	access, refresh := got.cookies["__Host-sAccessToken"], got.cookies["__Secure-sRefreshToken"]
	require.NotNil(t, access)
	require.NotNil(t, refresh)
	require.Equal(t, "/", access.Path)
	require.Empty(t, access.Domain)
	_, err := k.verify(t, nil, "__Host-sAccessToken="+access.Value)
	require.NoError(t, err)
	_, err = k.verify(t, nil, "sAccessToken="+access.Value)
	require.ErrorIs(t, err, errors.ErrTokenMissing, "a name that anybody can set does not count")
	_, out, err := k.refresh(t, nil, "__Secure-sRefreshToken="+refresh.Value)
	require.ErrorIs(t, err, errors.ErrTokenDuplicated, "any host of the site can set it: without the other cookie it proves nothing")
	require.Empty(t, out.cookies)
	k.clock.Advance(30 * 24 * time.Hour) // the access token's key is gone by now
	_, _, err = k.refresh(t, nil, "__Secure-sRefreshToken="+refresh.Value, "__Host-sAccessToken="+access.Value)
	require.NoError(t, err)
}

// hangingUp is a store whose caller's client goes away right after the row was read.
type hangingUp struct {
	session.Store
	hangUp context.CancelFunc
}

func (h hangingUp) Find(ctx context.Context, handle string) (*models.Session, error) {
	defer h.hangUp()
	return h.Store.Find(ctx, handle)
}

// The client hangs up while its stolen token is being found out: the family is
// revoked all the same (DB-04).
func TestTheft_ClientHangsUp(t *testing.T) {
	t.Parallel()
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	store := memstore.New()
	svc := newKitOn(t, store, nil)
	rude := newKitOn(t, hangingUp{store, hangUp}, svc.clock)

	first, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	second, err := svc.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	_, err = svc.Refresh(t.Context(), second.Refresh.Value)
	require.NoError(t, err)

	_, err = rude.Refresh(ctx, first.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrTokenTheft)
	require.Error(t, ctx.Err())
	_, err = svc.Refresh(t.Context(), second.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
}
