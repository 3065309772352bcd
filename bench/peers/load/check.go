package load

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// Check makes sure that a server does what is measured: it knows its users, and
// refuses whoever has no session, a forged one, or a refresh token that was
// replaced. It returns the Cookie header of a session for GETs: the usual one,
// whose access token has been refreshed and confirmed where there are such.
func Check(ctx context.Context, s servers.Server, addr string) (string, error) {
	const user = "ada"
	c, err := Dial(ctx, addr)
	if err != nil {
		return "", err
	}
	defer c.Close() //nolint:errcheck // nothing is on its way
	if s.Open {
		return luggage(s.Luggage), c.Me(user)
	}
	if err = c.refused(http.MethodGet, servers.MePath); err != nil {
		return "", fmt.Errorf("without a session: %w", err)
	}
	if err = c.LogIn(user); err != nil {
		return "", fmt.Errorf("login: %w", err)
	}
	if err = c.Me(user); err != nil {
		return "", fmt.Errorf("with a session: %w", err)
	}
	if err = c.checkForged(ctx); err != nil {
		return "", err
	}
	if s.Refreshes {
		return c.checkRotation(ctx, user)
	}
	return c.Cookies(servers.MePath), nil
}

// refused expects an answer between 400 and 499.
func (c *Client) refused(method, target string) error {
	answer, err := c.Do(method, target)
	if err != nil {
		return err
	}
	if answer.Status < 400 || answer.Status > 499 {
		return fmt.Errorf("status %d is no refusal", answer.Status)
	}
	return nil
}

// twin is another browser with copies of what c has.
func (c *Client) twin(ctx context.Context) (*Client, error) {
	t, err := Dial(ctx, c.addr)
	if err != nil {
		return nil, err
	}
	t.cookies, t.antiCSRF = slices.Clone(c.cookies), c.antiCSRF
	return t, nil
}

// checkForged changes one character in the middle of every cookie, and expects
// to be refused.
func (c *Client) checkForged(ctx context.Context) error {
	forger, err := c.twin(ctx)
	if err != nil {
		return err
	}
	defer forger.Close() //nolint:errcheck // nothing is on its way
	for i, k := range forger.cookies {
		forger.cookies[i].value = forged(k.value)
	}
	if err = forger.refused(http.MethodGet, servers.MePath); err != nil {
		return fmt.Errorf("with a forged session: %w", err)
	}
	return nil
}

func forged(value string) string {
	b, middle := []byte(value), len(value)/2
	if b[middle] == 'A' {
		b[middle] = 'B'
	} else {
		b[middle] = 'A'
	}
	return string(b)
}

// checkRotation rotates a session, returns its Cookie header, and sees to it
// that in another session a replaced refresh token is refused.
func (c *Client) checkRotation(ctx context.Context, user string) (string, error) {
	if err := c.Rotate(user); err != nil {
		return "", err
	}
	victim, err := Dial(ctx, c.addr)
	if err != nil {
		return "", err
	}
	defer victim.Close() //nolint:errcheck // nothing is on its way
	if err = victim.LogIn(user); err != nil {
		return "", err
	}
	thief, err := victim.twin(ctx)
	if err != nil {
		return "", err
	}
	defer thief.Close() //nolint:errcheck // nothing is on its way
	if err = victim.Rotate(user); err != nil {
		return "", err
	}
	if err = thief.refused(http.MethodPost, servers.RefreshPath); err != nil {
		return "", fmt.Errorf("with a replaced refresh token: %w", err)
	}
	return c.Cookies(servers.MePath), c.Me(user)
}

// luggage is a Cookie header of n bytes, name included, that nobody looks at.
func luggage(n int) string {
	const name = "luggage="
	if n == 0 {
		return ""
	}
	return name + strings.Repeat("x", n-len(name))
}
