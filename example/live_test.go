package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// listen opens the socket of whoever is signed in.
func (c *client) listen() *websocket.Conn {
	c.t.Helper()
	conn, answer, err := websocket.Dial(c.t.Context(), strings.Replace(c.url, "http", "ws", 1)+"/api/live", &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: http.Header{"Origin": {c.url}},
	})
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close()
	}
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// Two browsers: one ends the other's session. The other's socket closes, its next
// request is refused; a refresh closes nothing.
func TestLive(t *testing.T) {
	t.Parallel()
	url := startProgram(t, "-access-validity=2s")
	one, other := newClient(t, url), newClient(t, url)
	for _, c := range []*client{one, other} {
		c.login("ada")
	}
	socket, kept := other.listen(), one.listen()
	var me struct{ Handle string }
	require.NoError(t, json.Unmarshal([]byte(other.want(200, "", http.MethodGet, "/api/me", "")), &me))

	for range 3 {
		time.Sleep(2100 * time.Millisecond)
		other.want(200, "", http.MethodPost, "/auth/session/refresh", "")
		other.want(200, "", http.MethodGet, "/api/me", "")
		one.want(200, "", http.MethodPost, "/auth/session/refresh", "")
	}
	one.want(204, "", http.MethodDelete, "/auth/sessions/"+me.Handle, "")

	_, _, err := socket.Read(t.Context())
	require.Equal(t, websocket.StatusCode(sessionEnded), websocket.CloseStatus(err), "%v", err)
	require.ErrorContains(t, err, "the session has ended")
	other.want(401, `{"message":"unauthorised"}`, http.MethodGet, "/api/me", "")

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _, err = kept.Read(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded, "nobody ended that one")
}
