package verify

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// client asks that service.
type client struct{ http http.Client }

func newClient(c *http.Client) *client {
	if c == nil {
		c = &http.Client{}
	}
	own := *c
	// Whoever can make one of the addresses redirect would choose the keys, or be shown
	// tokens.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{own}
}

// do returns the body of a good answer, of up to most bytes.
func (c *client) do(req *http.Request, most int64) ([]byte, http.Header, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err == nil && int64(len(data)) > most {
		err = errors.New("the answer is too large")
	}
	return data, resp.Header, err
}

// isSafe reports whether an address is one that nobody on the way can answer for.
func isSafe(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

// loopback reports whether a name leads to this machine for certain. It is stricter
// than internal/wire, which goes by what browsers do: they keep names below .localhost
// to themselves, but a resolver may ask the network for one, and who answers there
// would choose the keys.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
