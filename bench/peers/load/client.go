// Package load puts servers to work: a front end of one session, wrk, and
// sessions that refresh all the time.
package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// patience bounds one request.
const patience = 10 * time.Second

// maxBody is far above what any of the servers answers.
const maxBody = 1 << 16

// Client is a browser with one session and one connection. It keeps cookies by
// name and path, and the anti-CSRF token, and sends both as front ends of
// that generation do. It writes requests by hand, so that the generator
// takes as little as possible of the core that it shares with the database.
type Client struct {
	addr     string
	conn     net.Conn
	reader   *bufio.Reader
	cookies  []cookie
	antiCSRF string
	request  []byte
}

type cookie struct{ name, value, path string }

// Answer is what a request got.
type Answer struct {
	Status int
	Body   string
}

// Dial connects to addr.
func Dial(ctx context.Context, addr string) (*Client, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Client{addr: addr, conn: conn, reader: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do sends a request without body, and keeps the tokens of the answer.
func (c *Client) Do(method, target string) (Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return Answer{}, err
	}
	if _, err := c.conn.Write(c.compose(method, target)); err != nil {
		return Answer{}, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close() //nolint:errcheck // all that matters has been read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return Answer{}, err
	}
	c.keep(response)
	return Answer{Status: response.StatusCode, Body: string(body)}, nil
}

func (c *Client) compose(method, target string) []byte {
	b := fmt.Appendf(c.request[:0], "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, c.addr)
	if method == http.MethodPost {
		b = append(b, "Content-Length: 0\r\n"...)
	}
	path, _, _ := strings.Cut(target, "?")
	if cookies := c.Cookies(path); cookies != "" {
		b = fmt.Appendf(b, "Cookie: %s\r\n", cookies)
	}
	if c.antiCSRF != "" {
		b = fmt.Appendf(b, "Anti-Csrf: %s\r\n", c.antiCSRF)
	}
	b = append(b, "\r\n"...)
	c.request = b // its memory serves the next one too
	return b
}

// Cookies is the Cookie header that a browser would send to path.
func (c *Client) Cookies(path string) string {
	var b strings.Builder
	for _, k := range c.cookies {
		if k.path != "/" && k.path != path { // no server here has paths below paths
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(k.name + "=" + k.value)
	}
	return b.String()
}

func (c *Client) keep(response *http.Response) {
	for _, set := range response.Cookies() {
		c.drop(set.Name)
		if set.Value != "" {
			c.cookies = append(c.cookies, cookie{set.Name, set.Value, set.Path})
		}
	}
	if text := response.Header.Get("Anti-Csrf"); text != "" {
		c.antiCSRF = text
	}
}

func (c *Client) drop(name string) {
	for i, k := range c.cookies {
		if k.name == name {
			c.cookies = append(c.cookies[:i], c.cookies[i+1:]...)
			return
		}
	}
}
