package rig

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"time"
)

// maxBody bounds what is read of a reply.
const maxBody = 1 << 16

// Request is a message that may be sent once, twice, late or never.
type Request struct {
	Method, Path string
	Header       http.Header
	// Access, Refresh and AntiCSRF are the tokens that it carries.
	Access, Refresh, AntiCSRF string
}

func (r *Request) fill(name, value string) {
	switch name {
	case "sAccessToken":
		r.Access = value
	case "sRefreshToken":
		r.Refresh = value
	}
}

// Reply is what came back. The zero Reply is a message that was lost.
type Reply struct {
	Status int
	Body   string
	Header http.Header
}

// Tokens are those that the reply brings; empty when there are none.
func (r Reply) Tokens() (access, refresh string) {
	access, refresh = r.Header.Get("St-Access-Token"), r.Header.Get("St-Refresh-Token")
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		switch c.Name {
		case "sAccessToken":
			access = c.Value
		case "sRefreshToken":
			refresh = c.Value
		}
	}
	return access, refresh
}

// promoted reports whether the reply brings an access token and nothing else
// that a session is made of.
func (r Reply) promoted() bool {
	access, refresh := r.Tokens()
	return access != "" && refresh == "" && len(r.Header["Set-Cookie"]) <= 1 && r.Header.Get("Front-Token") != "remove"
}

// Client sends messages to any instance.
type Client struct{ http *http.Client }

// NewClient returns a client that trusts every App and gives up on a message
// after the given time.
func NewClient(timeout time.Duration) *Client {
	trusting := httptest.NewTLSServer(http.NotFoundHandler())
	defer trusting.Close()
	client := *trusting.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	transport.DisableCompression = true
	client.Transport, client.Timeout = transport, timeout
	return &Client{&client}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends r to the instance at base.
func (c *Client) Do(ctx context.Context, base string, r Request) (Reply, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, nil)
	if err != nil {
		return Reply{}, err
	}
	req.Header = r.Header.Clone()
	resp, err := c.http.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return Reply{}, err
	}
	return Reply{resp.StatusCode, string(body), resp.Header}, nil
}
