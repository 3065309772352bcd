package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// verify runs VerifyHTTP on a GET with these headers and cookies.
func (k *kit) verify(t *testing.T, headers map[string]string, cookies ...string) (sent, error) {
	t.Helper()
	r := request(t, headers, cookies...)
	r.Method = http.MethodGet
	w := httptest.NewRecorder()
	_, err := k.VerifyHTTP(w, r)
	return sentBy(t, w), err
}

func (k *kit) refresh(t *testing.T, headers map[string]string, cookies ...string) (*session.Session, sent, error) {
	t.Helper()
	w := httptest.NewRecorder()
	sess, err := k.RefreshHTTP(w, request(t, headers, cookies...))
	return sess, sentBy(t, w), err
}

func TestCarrier_Verify(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	mine, other := k.signIn(t, oldClient).value("sAccessToken"), k.signIn(t, oldClient).value("sAccessToken")
	byHeader := k.signIn(t, headerClient).header.Get("st-access-token")
	for _, row := range []struct {
		name    string
		auth    string
		cookies []string
		reason  error
	}{
		{"two sessions that live", "", []string{"sAccessToken=" + mine, "sAccessToken=" + other}, errors.ErrTokenDuplicated},
		{"junk twice", "", []string{"sAccessToken=junk", "sAccessToken=more"}, errors.ErrTokenDuplicated},
		{"junk before", "", []string{"sAccessToken=junk", "sAccessToken=" + mine}, nil},
		{"junk", "", []string{"sAccessToken=junk"}, errors.ErrTokenMalformed},
		{"quoted junk", "", []string{`sAccessToken="a b"`}, errors.ErrTokenMalformed},
		{"empty cookie", "", []string{"sAccessToken="}, errors.ErrTokenMissing},
		{"nothing", "", nil, errors.ErrTokenMissing},
		{"a handle", "", []string{"sIdRefreshToken=" + mine}, errors.ErrTokenMissing},
		{"foreign authorization only", "Bearer abc.def.ghi", nil, errors.ErrTokenMissing},
		{"basic", "Basic " + mine, nil, errors.ErrTokenMissing},
		{"the same cookie twice", "", []string{"sAccessToken=" + mine, "sAccessToken=" + mine}, nil},
		{"foreign authorization is the application's own", "Bearer abc.def.ghi", []string{"sAccessToken=" + mine}, nil},
		{"ours in the header wins", "Bearer " + byHeader, []string{"sAccessToken=junk"}, nil},
	} {
		headers := map[string]string{}
		if row.auth != "" {
			headers["Authorization"] = row.auth
		}
		out, err := k.verify(t, headers, row.cookies...)
		require.ErrorIs(t, err, row.reason, row.name)
		require.Empty(t, out.cookies, "%s: nothing is cleared", row.name)
		if row.reason != nil && !errors.Is(row.reason, errors.ErrTokenMissing) {
			require.ErrorIs(t, err, errors.ErrTryRefreshToken, row.name)
		}
	}
	r := request(t, nil, "sAccessToken="+mine)
	r.Method = http.MethodGet
	r.Header["Authorization"] = []string{"Bearer " + byHeader, "Bearer " + byHeader}
	sess, err := k.VerifyHTTP(httptest.NewRecorder(), r)
	require.NoError(t, err, "several Authorization headers are nobody's")
	require.Equal(t, "user", sess.UserID())
}

// A forbidden carrier counts as absent.
func TestCarrier_Forbidden(t *testing.T) {
	t.Parallel()
	for name, carriers := range map[string]session.Carriers{"cookie": session.CarriersCookie, "header": session.CarriersHeader} {
		k := newKit(t, func(c *session.Config) { c.FrontEnds.Carriers = carriers })
		for _, client := range []map[string]string{oldClient, cookieClient, headerClient} {
			got := k.signIn(t, client)
			cookie := got.cookies["sAccessToken"]
			require.Equal(t, name == "cookie", cookie != nil)
			access, refresh := got.header.Get("st-access-token"), got.header.Get("st-refresh-token")
			if cookie != nil {
				access, refresh = cookie.Value, got.value("sRefreshToken")
			}
			byCookie := []string{"sAccessToken=" + access, "sRefreshToken=" + refresh}
			_, err := k.verify(t, nil, byCookie...)
			require.Equal(t, name == "header", errors.Is(err, errors.ErrTokenMissing))
			_, err = k.verify(t, map[string]string{"Authorization": "Bearer " + access})
			require.Equal(t, name == "cookie", errors.Is(err, errors.ErrTokenMissing))
			_, _, err = k.refresh(t, nil, byCookie...)
			require.Equal(t, name == "header", errors.Is(err, errors.ErrTokenMissing))
			_, _, err = k.refresh(t, map[string]string{"Authorization": "Bearer " + refresh})
			require.Equal(t, name == "cookie", errors.Is(err, errors.ErrTokenMissing))
		}
	}
}

// Duplicate refresh cookies: no logout, no theft, no wrong user (CK-05).
func TestCarrier_DuplicateRefreshCookies(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	first := k.signIn(t, oldClient)
	stale := "sRefreshToken=" + first.value("sRefreshToken")
	_, next, err := k.refresh(t, nil, stale)
	require.NoError(t, err)
	access := "sAccessToken=" + next.value("sAccessToken")
	_, err = k.verify(t, nil, access)
	require.NoError(t, err)
	fresh := "sRefreshToken=" + next.value("sRefreshToken")
	foreign := "sRefreshToken=" + k.signIn(t, oldClient).value("sRefreshToken")

	for _, row := range []struct {
		name    string
		cookies []string
		want    error
	}{
		{"stale before fresh", []string{stale, fresh}, nil},
		{"fresh before stale", []string{fresh, stale}, nil},
		{"junk before fresh", []string{"sRefreshToken=junk", fresh}, nil},
		{"planted session, own access token tells", []string{foreign, fresh, access}, nil},
		{"planted session, nothing tells", []string{foreign, fresh}, errors.ErrTokenDuplicated},
		{"only junk", []string{"sRefreshToken=a", "sRefreshToken=b"}, errors.ErrUnauthorised},
	} {
		sess, out, err := k.refresh(t, nil, row.cookies...)
		require.ErrorIs(t, err, row.want, row.name)
		if row.want == nil {
			require.NoError(t, err, row.name)
			require.Equal(t, first.handle(t), sess.Handle(), row.name)
		} else if !errors.Is(err, errors.ErrUnauthorised) {
			require.Empty(t, out.cookies, row.name)
		}
	}
}

// handle reads the session's name from the access token that was sent.
func (s sent) handle(t *testing.T) string {
	t.Helper()
	return claim(t, s.value("sAccessToken"), "sid")
}

// A copy on a domain that was configured before is cleared whenever ours are set.
func TestCarrier_OlderDomain(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) {
		c.Cookie.Domain, c.Cookie.Older = "app.example", []session.OlderCookieConfig{{Domain: "old.example"}}
	})
	got := k.signIn(t, oldClient)
	w := httptest.NewRecorder()
	_, err := k.RefreshHTTP(w, request(t, nil, "sRefreshToken="+got.value("sRefreshToken")))
	require.NoError(t, err)
	domains := map[string]int{}
	for _, c := range w.Result().Cookies() {
		domains[c.Domain+map[bool]string{true: " cleared"}[c.MaxAge < 0]]++
	}
	require.Equal(t, map[string]int{"app.example": 2, "old.example cleared": 2}, domains)
}

// Bearer tokens at the refresh route: ours by its looks, else the cookie.
func TestCarrier_Refresh(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	cookie := "sRefreshToken=" + k.signIn(t, oldClient).value("sRefreshToken")
	bearer := "Bearer " + k.signIn(t, headerClient).header.Get("st-refresh-token")

	_, out, err := k.refresh(t, map[string]string{"Authorization": "Bearer from-a-gateway"}, cookie)
	require.NoError(t, err)
	require.NotEmpty(t, out.value("sRefreshToken"))

	_, out, err = k.refresh(t, map[string]string{"Authorization": bearer, "st-auth-mode": "header"}, cookie)
	require.NoError(t, err)
	require.NotEmpty(t, out.header.Get("st-refresh-token"))
	require.True(t, out.cleared("sRefreshToken"), "the other carrier is cleared")

	_, out, err = k.refresh(t, map[string]string{"Authorization": "Bearer from-a-gateway"})
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.Empty(t, out.cookies)
}

// Signing in by one carrier removes what is left in the other.
func TestCarrier_CreateClearsTheOther(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	old := k.signIn(t, oldClient)
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, headerClient, "sAccessToken="+old.value("sAccessToken")), "user", session.InsecureSwitchToHeader())
	require.NoError(t, err)
	out := sentBy(t, w)
	require.True(t, out.cleared("sAccessToken"))
	require.NotEmpty(t, out.header.Get("st-access-token"))

	w = httptest.NewRecorder()
	headers := map[string]string{"st-auth-mode": "cookie", "Authorization": "Bearer " + out.header.Get("st-access-token")}
	_, err = k.CreateHTTP(w, request(t, headers), "user")
	require.NoError(t, err)
	back := sentBy(t, w)
	require.NotEmpty(t, back.value("sAccessToken"))
	require.Equal(t, []string{""}, back.header["St-Access-Token"])
	require.NotEqual(t, "remove", back.header.Get("front-token"), "the last word is the new one")
}
