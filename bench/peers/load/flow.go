package load

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
	"github.com/gin-sessionkit/sessionkit/errors"
)

// LogIn starts a session for user.
func (c *Client) LogIn(user string) error {
	answer, err := c.Do(http.MethodPost, servers.LoginPath+"?user="+user)
	if err != nil {
		return err
	}
	return answer.expect(http.StatusOK)
}

// Refresh exchanges the tokens for new ones.
func (c *Client) Refresh() error {
	answer, err := c.Do(http.MethodPost, servers.RefreshPath)
	if err != nil {
		return err
	}
	return answer.expect(http.StatusOK)
}

// Me asks who is signed in, and insists on user.
func (c *Client) Me(user string) error {
	answer, err := c.Do(http.MethodGet, servers.MePath)
	if err != nil {
		return err
	}
	if err = answer.expect(http.StatusOK); err != nil {
		return err
	}
	var me struct {
		UserID string `json:"userId"`
	}
	if err = json.Unmarshal([]byte(answer.Body), &me); err != nil {
		return err
	}
	if me.UserID != user {
		return fmt.Errorf("the server took %q for %q", user, me.UserID)
	}
	return nil
}

// Rotate refreshes, and uses the new access token once. Only that makes the
// rotation definite, and the server says so by yet another access token.
func (c *Client) Rotate(user string) error {
	if err := c.Refresh(); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	before := c.Cookies(servers.MePath)
	if err := c.Me(user); err != nil {
		return fmt.Errorf("first use: %w", err)
	}
	if c.Cookies(servers.MePath) == before {
		return errors.New("first use: the rotation was not made definite")
	}
	return nil
}

func (a Answer) expect(status int) error {
	if a.Status != status {
		return fmt.Errorf("status %d instead of %d: %.200s", a.Status, status, a.Body)
	}
	return nil
}
