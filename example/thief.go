package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// maxOutcome bounds what is kept of an answer to the thief.
const maxOutcome = 16 << 10

// thief has a copy of somebody's session. It is an ordinary HTTP client of this
// very program: what it gets answered, any thief would.
type thief struct {
	self   *loopback
	client *http.Client
}

// newThief takes the tokens out of the victim's request.
func (l *loopback) newThief(r *http.Request, refreshPath string) (*thief, error) {
	jar, _ := cookiejar.New(nil) // never fails
	t := &thief{self: l, client: l.client(stubborn{jar})}
	if !t.take(r, "sAccessToken", "/") || !t.take(r, "sRefreshToken", refreshPath) {
		return nil, errors.New("this session is not kept in cookies: there is nothing to copy")
	}
	return t, nil
}

// stubborn is a jar that keeps what it has: a thief does not delete its loot
// because the server says so.
type stubborn struct{ http.CookieJar }

// SetCookies implements [http.CookieJar].
func (s stubborn) SetCookies(u *url.URL, cookies []*http.Cookie) {
	s.CookieJar.SetCookies(u, slices.DeleteFunc(slices.Clone(cookies), func(c *http.Cookie) bool {
		return c.MaxAge < 0 || c.Value == ""
	}))
}

// take copies the cookie of that name into the thief's jar.
func (t *thief) take(r *http.Request, name, path string) bool {
	cookie, err := r.Cookie(name)
	if err != nil {
		return false
	}
	t.client.Jar.SetCookies(t.self.base, []*http.Cookie{{ //nolint:gosec // a cookie that is sent has no attributes
		Name: name, Value: cookie.Value, Path: path,
		HttpOnly: true, Secure: t.self.base.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}})
	return true
}

// outcome is a request of the thief and the answer to it.
type outcome struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"`
}

func (t *thief) send(ctx context.Context, method, path string) (*outcome, error) {
	target := t.self.base.ResolveReference(&url.URL{Path: path})
	request, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "thief")
	response, err := t.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxOutcome))
	if err != nil {
		return nil, err
	}
	result := &outcome{Method: method, Path: path, Status: response.StatusCode}
	if json.Valid(body) {
		result.Body = body
	}
	return result, nil
}
