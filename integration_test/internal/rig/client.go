package rig

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
)

// maxBody bounds what is read of a reply.
const maxBody = 1 << 16

// Request is a message that may be sent once, twice, late or never.
type Request struct {
	Method, Path string
	// Site is where the page is that asks; empty for programs.
	Site Site
	// Host, if set, is what the client believes to talk to.
	Host   string
	Header http.Header
	// Body is JSON unless the header says otherwise.
	Body string
	// Access, Refresh and AntiCSRF are the client's own tokens that it carries.
	Access, Refresh, AntiCSRF string
	// Plants are the planted cookies that it carries; Ahead those of them that come before
	// the own token of their name.
	Plants, Ahead []string
}

func (r *Request) fill(name, value string) {
	switch {
	case strings.HasSuffix(name, accessName):
		r.Access = value
	case strings.HasSuffix(name, refreshName):
		r.Refresh = value
	}
}

// planted notes a cookie that the application has not set.
func (r *Request) planted(c testjar.Cookie) {
	r.Plants = append(r.Plants, c.Mark)
	if strings.HasSuffix(c.Name, accessName) && r.Access == "" || strings.HasSuffix(c.Name, refreshName) && r.Refresh == "" {
		r.Ahead = append(r.Ahead, c.Mark)
	}
}

// Reply is what came back. The zero Reply is a message that was lost.
type Reply struct {
	Status int
	Body   string
	Header http.Header
	// Hops is the number of redirects that were followed.
	Hops int
}

// User is the user whom the application named in the reply, or empty.
func (r Reply) User() string {
	var body struct {
		User string `json:"user"`
	}
	_ = json.Unmarshal([]byte(r.Body), &body)
	return body.User
}

// Tokens are those that the reply brings; empty when there are none.
func (r Reply) Tokens() (access, refresh string) {
	access, refresh = r.Header.Get("St-Access-Token"), r.Header.Get("St-Refresh-Token")
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		switch {
		case c.Value == "": // a removal, perhaps of a copy elsewhere
		case strings.HasSuffix(c.Name, accessName):
			access = c.Value
		case strings.HasSuffix(c.Name, refreshName):
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

// rotated reports whether r brings another refresh token than the one of the request
// that it answers. In window mode a young one is repeated.
func (r Reply) rotated(of Request) bool {
	_, refresh := r.Tokens()
	at, _, _ := strings.Cut(of.Path, "?")
	taken := r.Answer() == OK || r.Answer() == Sent
	return at == RefreshPath && taken && refresh != "" && refresh != of.Refresh
}

// Way is how messages get to an application and answers back. It follows no redirects.
type Way func(context.Context, Request) (Reply, error)

// Into is the way straight to a handler, which answers for every host.
func Into(handler http.Handler) Way {
	return func(ctx context.Context, r Request) (Reply, error) {
		req := httptest.NewRequestWithContext(ctx, r.Method, "https://"+cmp.Or(r.Host, Host)+r.Path, r.body())
		maps.Copy(req.Header, r.headers())
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		return Reply{Status: w.Code, Body: w.Body.String(), Header: w.Result().Header}, nil
	}
}

func (r Request) body() io.Reader {
	if r.Body == "" {
		return nil
	}
	return strings.NewReader(r.Body)
}

func (r Request) headers() http.Header {
	header := r.Header.Clone()
	if r.Body != "" && header.Get("Content-Type") == "" {
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/json")
	}
	return header
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
	return Over(&client)
}

// Over returns a Client that sends as the other one does.
func Over(client *http.Client) *Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{&c}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends r to the instance at base.
func (c *Client) Do(ctx context.Context, base string, r Request) (Reply, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, r.body())
	if err != nil {
		return Reply{}, err
	}
	req.Header, req.Host = r.headers(), r.Host
	resp, err := c.http.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return Reply{}, err
	}
	return Reply{Status: resp.StatusCode, Body: string(body), Header: resp.Header}, nil
}
