package wire

import (
	"bufio"
	"net"
	"net/http"
)

// forRouter is a Writer around a router's own, which has more methods.
type forRouter struct{ *Writer }

func (w forRouter) router() routerWriter {
	return w.inner.(routerWriter) //nolint:errcheck,forcetypeassert // Outer looked
}

// WriteHeader notes the status. The header is written later, perhaps past us: an answer
// of a status alone is written by the router itself.
func (w forRouter) WriteHeader(status int) {
	w.resp.HandBack()
	w.resp.Preview(w.inner.Header())
	w.inner.WriteHeader(status)
}

// WriteHeaderNow settles the response.
func (w forRouter) WriteHeaderNow() {
	if !w.router().Written() {
		w.settle()
	}
	w.router().WriteHeaderNow()
}

// WriteString settles the response.
func (w forRouter) WriteString(text string) (int, error) {
	w.settle()
	return w.router().WriteString(text)
}

// Flush settles the response.
func (w forRouter) Flush() {
	w.settle()
	w.router().Flush()
}

// Hijack drops the response.
func (w forRouter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.router().Hijack()
	if err == nil {
		w.resp.Drop()
	}
	return conn, rw, err
}

// Status, Size and Written are the router's.
func (w forRouter) Status() int   { return w.router().Status() }
func (w forRouter) Size() int     { return w.router().Size() }
func (w forRouter) Written() bool { return w.router().Written() }

// CloseNotify is the router's.
func (w forRouter) CloseNotify() <-chan bool { return w.router().CloseNotify() }

// Pusher is the router's.
func (w forRouter) Pusher() http.Pusher { return w.router().Pusher() }
