package session_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

func noticing(c *session.Config) { c.NewDeviceNotice = true }

const deviceName = "__Host-sDevice"

// signInBy signs a user in with a browser that has these cookies, and returns what the
// event says and the device cookie that the answer sets, name and value.
func (k *kit) signInBy(t *testing.T, user string, cookies ...string) (isNew bool, device string) {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, cookieClient, cookies...), user)
	require.NoError(t, err)
	events := k.Events(session.EventCreated)
	last := events[len(events)-1]
	require.Equal(t, user, last.UserID)
	return last.NewDevice, deviceName + "=" + sentBy(t, w).value(deviceName)
}

// A user who has signed in with the browser is known; whatever else comes under the
// cookie's name is a browser like any other, and never an error.
func TestNewDevice_Table(t *testing.T) {
	t.Parallel()
	k := newKit(t, noticing)
	isNew, ada := k.signInBy(t, "ada")
	require.True(t, isNew, "the first sign-in")
	foreign := newKit(t, noticing)
	_, foreignAda := foreign.signInBy(t, "ada")
	elsewhere := newKitOn(t, k.store, k.clock, noticing, func(c *session.Config) { c.Audiences = []string{"another"} })
	_, anothers := elsewhere.signInBy(t, "ada")
	flip := func(at int) string { // one bit of the value, counted from its end
		b := []byte(ada)
		i := len(b) - at
		b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
		return string(b)
	}
	parts := strings.Split(strings.TrimPrefix(ada, deviceName+"="), ".")
	require.Len(t, parts, 3)
	rebuilt := func(version, kid string, raw []byte) string {
		return deviceName + "=" + version + "." + kid + "." + base64.RawURLEncoding.EncodeToString(raw)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	require.Len(t, raw, 32, "a salt and a proof")

	for name, row := range map[string]struct {
		cookie, user string
		isNew        bool
	}{
		"known":                         {ada, "ada", false},
		"quoted":                        {deviceName + `="` + strings.TrimPrefix(ada, deviceName+"=") + `"`, "ada", false},
		"after others":                  {"a=b; " + deviceName + "=; " + ada, "ada", false},
		"another user":                  {ada, "bob", true},
		"a user by another case":        {ada, "Ada", true},
		"a longer user":                 {ada, "adaa", true},
		"nothing":                       {"a=b", "ada", true},
		"empty":                         {deviceName + "=", "ada", true},
		"forged in the proof":           {flip(5), "ada", true},
		"forged in the salt":            {flip(40), "ada", true},
		"another key's id":              {rebuilt("1", "another", raw), "ada", true},
		"a refresh key's id":            {rebuilt("1", strings.Repeat("A", 26), raw), "ada", true},
		"no key id":                     {rebuilt("1", "", raw), "ada", true},
		"another version":               {rebuilt("2", parts[1], raw), "ada", true},
		"cut off by a byte":             {ada[:len(ada)-1], "ada", true},
		"cut off by a proof":            {rebuilt("1", parts[1], raw[:16]), "ada", true},
		"cut off in the proof":          {rebuilt("1", parts[1], raw[:24]), "ada", true},
		"a proof without end":           {rebuilt("1", parts[1], append(raw, raw...)), "ada", false},
		"six users":                     {rebuilt("1", parts[1], append(raw, make([]byte, 5*16)...)), "ada", true},
		"not base64":                    {deviceName + "=1." + parts[1] + ".!!!!", "ada", true},
		"of another application":        {foreignAda, "ada", true},
		"of another audience":           {anothers, "ada", true},
		"under the name without prefix": {strings.TrimPrefix(ada, "__Host-"), "ada", true},
		"a megabyte":                    {deviceName + "=" + strings.Repeat("1.a.", 1<<18), "ada", true},
		"behind a megabyte":             {strings.Repeat(";", 1<<20) + ada, "ada", true},
		"dots":                          {deviceName + "=1" + strings.Repeat(".", 300), "ada", true},
		"control characters":            {deviceName + "=1.\x00\x7f.é", "ada", true},
	} {
		isNew, next := k.signInBy(t, row.user, row.cookie)
		require.Equal(t, row.isNew, isNew, name)
		require.Less(t, len(next), 450, name)
		isNew, _ = k.signInBy(t, row.user, next)
		require.False(t, isNew, "%s: but known from then on", name)
	}
}

// The last five users of a browser are remembered, under keys that come and go.
func TestNewDevice_SeveralUsers(t *testing.T) {
	t.Parallel()
	k := newKit(t, noticing)
	cookie := "none=1"
	users := []string{"a", "b", "c", "d", "e", "f"}
	for _, user := range users {
		var isNew bool
		isNew, cookie = k.signInBy(t, user, cookie)
		require.True(t, isNew, user)
		require.NotContains(t, cookie, user+".")
	}
	isNew, _ := k.signInBy(t, "a", cookie)
	require.True(t, isNew, "the oldest has given way")
	for _, user := range users[1:] {
		isNew, _ = k.signInBy(t, user, cookie)
		require.False(t, isNew, user)
	}
	// Whoever signs in is the newest again, and there once.
	isNew, cookie = k.signInBy(t, "b", cookie)
	require.False(t, isNew)
	for _, user := range []string{"g", "h"} {
		_, cookie = k.signInBy(t, user, cookie)
	}
	for user, isNew := range map[string]bool{"b": false, "c": true, "d": true, "e": false, "f": false, "g": false, "h": false} {
		got, _ := k.signInBy(t, user, cookie)
		require.Equal(t, isNew, got, user)
	}
}

// For 400 days after the last sign-in a browser is known, however often keys rotate
// meanwhile; the cookie ends then, and so does what it says.
func TestNewDevice_Keys(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	k := newKitOn(t, store, nil, noticing)
	_, cookie := k.signInBy(t, "ada")
	first := cookie
	kids := map[string]bool{}
	for range 20 {
		k.clock.Advance(29 * 24 * time.Hour)
		k = newKitOn(t, store, k.clock, noticing) // a start brings the keys that are due
		var isNew bool
		isNew, cookie = k.signInBy(t, "bob", cookie)
		kids[strings.Split(cookie, ".")[1]] = true
		if len(kids) > 1 {
			require.False(t, isNew)
		}
		if len(kids) < 12 {
			isNew, _ = k.signInBy(t, "ada", cookie)
			require.False(t, isNew, "after %d keys", len(kids))
		}
	}
	require.Greater(t, len(kids), 15, "keys rotate")
	isNew, _ := k.signInBy(t, "ada", first)
	require.True(t, isNew, "a copy that somebody kept for longer")

	_, cookie = k.signInBy(t, "eve", cookie)
	k.clock.Advance(400*24*time.Hour - time.Second)
	k = newKitOn(t, store, k.clock, noticing)
	isNew, _ = k.signInBy(t, "eve", cookie)
	require.False(t, isNew)
}

// What the cookie looks like, under each setting that concerns it.
func TestNewDevice_Cookie(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cookie session.CookieConfig
		want   string
	}{
		"default":     {session.CookieConfig{}, "__Host-sDevice=…; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"Domain":      {session.CookieConfig{Domain: "app.example", AccessPath: "/auth", SignOutPath: "/auth/out"}, "__Host-sDevice=…; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"Suffix":      {session.CookieConfig{Suffix: "-x", SameSite: http.SameSiteStrictMode}, "__Host-sDevice-x=…; Path=/; HttpOnly; Secure; SameSite=Strict"},
		"Partitioned": {session.CookieConfig{Partitioned: true, SameSite: http.SameSiteNoneMode}, "__Host-sDevice=…; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		"Insecure":    {session.CookieConfig{Insecure: true}, "sDevice=…; Path=/; HttpOnly; SameSite=Lax"},
	} {
		k := newKit(t, noticing, func(c *session.Config) { c.Cookie = row.cookie })
		r := request(t, cookieClient)
		r.Host = map[bool]string{true: "localhost", false: r.Host}[row.cookie.Insecure]
		w := httptest.NewRecorder()
		_, err := k.CreateHTTP(w, r, "ada")
		require.NoError(t, err, name)
		require.Contains(t, cookieLines(w), row.want, name)
		for _, c := range w.Result().Cookies() {
			if strings.Contains(c.Name, "sDevice") {
				require.Equal(t, 400*24*60*60, c.MaxAge)
			}
		}
	}
}

// Where there is no browser to tell, and where nobody asked for it, there is no notice
// and no cookie.
func TestNewDevice_Not(t *testing.T) {
	t.Parallel()
	k := newKit(t, noticing)
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, headerClient), "by header")
	require.NoError(t, err)
	require.Empty(t, w.Header().Values("Set-Cookie"))
	_, err = k.Create(t.Context(), "without HTTP")
	require.NoError(t, err)
	w = httptest.NewRecorder()
	_, err = k.CreateAnonymousHTTP(w, request(t, cookieClient))
	require.NoError(t, err)
	require.NotContains(t, sentBy(t, w).cookies, deviceName)
	off := newKit(t)
	w = httptest.NewRecorder()
	_, err = off.CreateHTTP(w, request(t, cookieClient, deviceName+"=1", "=2"), "off")
	require.NoError(t, err)
	require.NotContains(t, sentBy(t, w).cookies, deviceName)
	for _, e := range append(k.Events(session.EventCreated), off.Events(session.EventCreated)...) {
		require.False(t, e.NewDevice, e.UserID)
	}
	_, err = session.New(t.Context(), memstore.New(), session.Config{
		NewDeviceNotice: true, FrontEnds: session.FrontEndConfig{Carriers: session.CarriersHeader},
	})
	require.ErrorContains(t, err, "Config.NewDeviceNotice: ")
}

// It costs no statement: neither at a sign-in nor for whatever a client invents.
func TestNewDevice_NoSQL(t *testing.T) {
	t.Parallel()
	k, off := newKit(t, noticing), newKit(t)
	_, cookie := k.signInBy(t, "ada")
	for _, c := range []string{"a=b", cookie, deviceName + "=1.unknown." + strings.Repeat("A", 64), deviceName + "=x"} {
		counts := func(k *kit) map[string]int {
			k.store.Arm()
			_, err := k.CreateHTTP(httptest.NewRecorder(), request(t, cookieClient, c), "ada")
			require.NoError(t, err)
			return k.store.Counts()
		}
		require.Equal(t, counts(off), counts(k), c)
	}
}

// The cookie goes with the tokens of its sign-in, and with nothing else.
func TestNewDevice_WithItsTokens(t *testing.T) {
	t.Parallel()
	k := newKit(t, noticing)
	answer := func(handle func(w http.ResponseWriter, r *http.Request)) sent {
		w := httptest.NewRecorder()
		k.Protect(http.HandlerFunc(handle), session.Optional()).ServeHTTP(w, request(t, cookieClient))
		return sentBy(t, w)
	}
	signIn := func(w http.ResponseWriter, r *http.Request) *session.Session {
		sess, err := k.CreateHTTP(w, r, "ada")
		require.NoError(t, err)
		return sess
	}
	require.NotEmpty(t, answer(func(w http.ResponseWriter, r *http.Request) { signIn(w, r) }).value(deviceName))
	require.NotEmpty(t, answer(func(w http.ResponseWriter, r *http.Request) {
		_, err := signIn(w, r).MergePayload(r.Context(), map[string]any{"a": 1})
		require.NoError(t, err)
	}).value(deviceName), "with a payload that changed")
	for why, handle := range map[string]func(w http.ResponseWriter, r *http.Request){
		"signed out at once": func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, signIn(w, r).Revoke(r.Context()))
		},
		"ended while the answer took long": func(w http.ResponseWriter, r *http.Request) {
			_, err := k.Revoke(context.Background(), signIn(w, r).Handle())
			require.NoError(t, err)
			k.clock.Advance(time.Second)
		},
		"refused": func(w http.ResponseWriter, r *http.Request) {
			_, err := k.CreateHTTP(w, r, "")
			require.ErrorIs(t, err, errors.ErrInvalidInput)
		},
		"not stored": func(w http.ResponseWriter, r *http.Request) {
			k.store.Arm(storetest.Fault{Method: "Insert"})
			_, err := k.CreateHTTP(w, r, "ada")
			require.ErrorIs(t, err, errors.ErrUnavailable)
			k.store.Arm()
		},
	} {
		require.NotContains(t, answer(handle).cookies, deviceName, why)
	}
}

// Sign-out, refresh and the end of a session leave the browser known.
func TestNewDevice_SignOutLeavesIt(t *testing.T) {
	t.Parallel()
	k := newKit(t, noticing)
	w := httptest.NewRecorder()
	sess, err := k.CreateHTTP(w, request(t, cookieClient), "ada")
	require.NoError(t, err)
	got := sentBy(t, w)
	device := deviceName + "=" + got.value(deviceName)
	_, out, err := k.refresh(t, cookieClient, "sRefreshToken="+got.value("sRefreshToken"), device)
	require.NoError(t, err)
	require.NotContains(t, out.cookies, deviceName)
	w = httptest.NewRecorder()
	proof := map[string]string{"anti-csrf": out.header.Get("anti-csrf")}
	require.NoError(t, k.SignOutHTTP(w, request(t, proof, "sAccessToken="+out.value("sAccessToken"), device)))
	left := sentBy(t, w)
	require.True(t, left.cleared("sAccessToken"))
	require.NotContains(t, left.cookies, deviceName)
	require.NotEmpty(t, sess.Handle())
	isNew, _ := k.signInBy(t, "ada", device)
	require.False(t, isNew)
}

// A visitor who signs in (As) does so with a browser, like anybody.
func TestNewDevice_As(t *testing.T) {
	t.Parallel()
	k := newKit(t, noticing)
	var device string
	for _, isNew := range []bool{true, false} {
		w := httptest.NewRecorder()
		x := k.Exchange(w, request(t, cookieClient, device))
		sess, err := x.CreateAnonymous()
		require.NoError(t, err)
		_, err = sess.Replace(t.Context(), session.As("ada"))
		require.NoError(t, err)
		x.Writer().WriteHeader(http.StatusOK)
		x.Close()
		events := k.Events(session.EventCreated)
		last := events[len(events)-1]
		require.Equal(t, "ada", last.UserID)
		require.Equal(t, isNew, last.NewDevice)
		device = deviceName + "=" + sentBy(t, w).value(deviceName)
	}
}
