package wire

import (
	"bufio"
	"net"
	"net/http"
)

// routerWriter is what routers such as Gin's add to a ResponseWriter. Their
// WriteHeader only notes the status; WriteHeaderNow writes.
type routerWriter interface {
	http.ResponseWriter
	http.Hijacker
	http.Flusher
	http.CloseNotifier //nolint:staticcheck // Gin's interface has it
	Status() int
	Size() int
	Written() bool
	WriteHeaderNow()
	WriteString(text string) (int, error)
	Pusher() http.Pusher
}

// forRouter is a Writer around a router's own, which has more methods.
type forRouter struct{ *Writer }

func (w forRouter) router() routerWriter {
	return w.inner.(routerWriter) //nolint:forcetypeassert // kind looked
}

// WriteHeader notes the status. The header is written later, perhaps past us:
// an answer of a status alone is written by the router itself.
func (w forRouter) WriteHeader(status int) {
	w.resp.Preview(w.ctx, w.inner.Header())
	w.inner.WriteHeader(status)
}

// WriteHeaderNow settles the response, unless the status is one before the
// answer.
func (w forRouter) WriteHeaderNow() {
	switch router := w.router(); {
	case router.Written():
		router.WriteHeaderNow()
	case isInformational(router.Status()):
		w.before(router.WriteHeaderNow)
	default:
		w.settle(0)
		router.WriteHeaderNow()
	}
}

// WriteString settles the response.
func (w forRouter) WriteString(text string) (int, error) {
	w.settle(0)
	return w.heard(w.router().WriteString(text))
}

// Flush settles the response.
func (w forRouter) Flush() {
	w.settle(0)
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

// Status is the router's.
func (w forRouter) Status() int { return w.router().Status() }

// Size is the router's.
func (w forRouter) Size() int { return w.router().Size() }

// Written is the router's.
func (w forRouter) Written() bool { return w.router().Written() }

// CloseNotify is the router's.
func (w forRouter) CloseNotify() <-chan bool { return w.router().CloseNotify() }

// Pusher is the router's.
func (w forRouter) Pusher() http.Pusher { return w.router().Pusher() }
