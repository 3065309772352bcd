package main

import (
	"net/http"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"
)

// sessionEnded is the status that the socket is closed with when its session has
// ended: private use (RFC 6455, section 7.4.2), after HTTP's 401.
const sessionEnded = 4401

// live is a WebSocket that is open as long as its session: through any number of
// refreshes, and not two seconds longer.
func (a *api) live(c *gin.Context) {
	ended, err := current(c).Watch(c.Request.Context())
	if err != nil {
		a.fail(c, err)
		return
	}
	// middleware.Verify has looked at the Origin.
	conn, err := websocket.Accept(c.Writer, c.Request, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow() //nolint:errcheck // closed already, as a rule
	closed := conn.CloseRead(c.Request.Context())
	select {
	case _, ok := <-ended:
		closeSocket(conn, ok)
	case <-closed.Done():
	}
}

// closeSocket tells the page why. Without an End the program is about to stop.
func closeSocket(conn *websocket.Conn, ok bool) {
	if ok {
		// Not end.Reason: a thief need not know that it was noticed.
		_ = conn.Close(sessionEnded, "the session has ended")
		return
	}
	_ = conn.Close(websocket.StatusGoingAway, http.StatusText(http.StatusServiceUnavailable))
}
