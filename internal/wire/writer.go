package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// Writer is a ResponseWriter that settles a Response when the header is written.
// Use what Wrap returns: it can do what the inner writer can, and nothing else.
type Writer struct {
	inner http.ResponseWriter
	ctx   context.Context //nolint:containedctx // of the one request that this is the writer of
	resp  *Response
	begun bool
}

// routerWriter is what routers such as Gin's add to a ResponseWriter. Their WriteHeader
// only notes the status; WriteHeaderNow writes.
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

// Wrap returns a writer to inner that settles resp. Several writers may settle one response, as
// when a router starts over with the same request: the first asks and decides, and all
// of them put it into their header.
func (w *Writer) Wrap(ctx context.Context, inner http.ResponseWriter, resp *Response) http.ResponseWriter {
	w.inner, w.ctx, w.resp = inner, ctx, resp
	return w.Outer()
}

// Outer is what Wrap returned.
func (w *Writer) Outer() http.ResponseWriter {
	if _, ok := w.inner.(routerWriter); ok {
		return forRouter{w}
	}
	_, flushes := w.inner.(http.Flusher)
	_, hijacks := w.inner.(http.Hijacker)
	_, pushes := w.inner.(http.Pusher)
	switch {
	case flushes && hijacks:
		return flushHijacker{w}
	case flushes && pushes:
		return flushPusher{w}
	case flushes:
		return flusher{w}
	case hijacks:
		return hijacker{w}
	default:
		return w
	}
}

// Settles reports whether what is written to w is known to pass through a Writer of r.
func (r *Response) Settles(w http.ResponseWriter) bool {
	const deepest = 32
	for range deepest {
		if at, ok := w.(interface{ settles(*Response) bool }); ok && at.settles(r) {
			return true
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = inner.Unwrap()
	}
	return false
}

func (w *Writer) settles(r *Response) bool { return w.resp == r }

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.inner }

// Header is the inner writer's.
func (w *Writer) Header() http.Header { return w.inner.Header() }

// WriteHeader settles the response. Informational answers (RFC 9110, section 15.2) are
// no answers yet, and carry nothing of ours; 101 is the last thing that HTTP says.
func (w *Writer) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.resp.Withdraw(w.inner.Header())
		w.inner.WriteHeader(status)
		w.resp.Preview(w.inner.Header())
		return
	}
	w.settle()
	w.inner.WriteHeader(status)
}

// Write settles the response.
func (w *Writer) Write(p []byte) (int, error) {
	w.settle()
	return w.inner.Write(p)
}

// ReadFrom lets the inner writer use its own, as sendfile.
func (w *Writer) ReadFrom(src io.Reader) (int64, error) {
	w.settle()
	return io.Copy(w.inner, src)
}

// FlushError is what http.ResponseController calls.
func (w *Writer) FlushError() error {
	w.settle()
	return http.NewResponseController(w.inner).Flush()
}

func (w *Writer) settle() {
	w.resp.HandBack()
	if !w.begun {
		w.begun = true
		w.resp.Settle(w.ctx, w.inner.Header())
	}
}

func (w *Writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.inner).Hijack()
	if err == nil {
		w.resp.Drop()
	}
	return conn, rw, err
}

func (w *Writer) push(target string, opts *http.PushOptions) error {
	return w.inner.(http.Pusher).Push(target, opts) //nolint:errcheck,forcetypeassert // Outer looked
}

// The combinations that net/http's own writers have.
type (
	flusher       struct{ *Writer }
	hijacker      struct{ *Writer }
	flushHijacker struct{ *Writer }
	flushPusher   struct{ *Writer }
)

func (w flusher) Flush()       { _ = w.FlushError() }
func (w flushHijacker) Flush() { _ = w.FlushError() }
func (w flushPusher) Flush()   { _ = w.FlushError() }

func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error)      { return w.hijack() }
func (w flushHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w flushPusher) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }
