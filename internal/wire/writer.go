package wire

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"iter"
	"net"
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Writer is a ResponseWriter that settles a Response when the header is
// written. Use what Wrap returns: it can do what the inner writer can, and
// nothing else.
type Writer struct {
	inner http.ResponseWriter
	ctx   context.Context //nolint:containedctx // of the one request that this is the writer of
	resp  *Response
	begun bool
}

// Wrap returns a writer to inner that settles resp. Several writers may settle
// one response, as when a router starts over with the same request: the first
// asks and decides, and all of them put it into their header.
func (w *Writer) Wrap(ctx context.Context, inner http.ResponseWriter, resp *Response) http.ResponseWriter {
	w.inner, w.ctx, w.resp = inner, ctx, resp
	return w.kind()
}

// Unwrap is for [http.ResponseController]. It must not lead past us to a hijack
// that the inner writer only passes on.
func (w *Writer) Unwrap() http.ResponseWriter {
	if _, ok := w.inner.(http.Hijacker); ok {
		return w.inner
	}
	return passage{w.inner, w}
}

// Context is that of the request. It finds the Exchange.
func (w *Writer) Context() context.Context { return w.ctx }

// Header is the inner writer's.
func (w *Writer) Header() http.Header { return w.inner.Header() }

// WriteHeader settles the response. Informational answers (RFC 9110, section
// 15.2) are no answers yet, and carry nothing of ours; 101 is the last thing
// that HTTP says.
func (w *Writer) WriteHeader(status int) {
	if isInformational(status) {
		w.before(func() { w.inner.WriteHeader(status) })
		return
	}
	w.settle(status)
	w.inner.WriteHeader(status)
}

func isInformational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// before lets write send an answer before the answer.
func (w *Writer) before(write func()) {
	w.resp.Withdraw(w.inner.Header())
	write()
	w.resp.Preview(w.ctx, w.inner.Header())
}

// Write settles the response.
func (w *Writer) Write(p []byte) (int, error) {
	w.settle(0)
	return w.heard(w.inner.Write(p))
}

// WriteString settles the response.
func (w *Writer) WriteString(text string) (int, error) {
	w.settle(0)
	return w.heard(io.WriteString(w.inner, text))
}

// ReadFrom lets the inner writer use its own, as sendfile.
func (w *Writer) ReadFrom(src io.Reader) (int64, error) {
	w.settle(0)
	n, err := io.Copy(w.inner, src)
	if n == 0 {
		w.begun = false // there was nothing to write, and the header is not written either
	}
	return n, err
}

// FlushError is what [http.ResponseController] calls.
func (w *Writer) FlushError() error {
	if !canFlush(w.inner) {
		return http.ErrNotSupported
	}
	w.settle(0)
	return http.NewResponseController(w.inner).Flush()
}

// settle settles the response before the first byte. A status of 0 is the one
// that the answer has without a word. Handlers write from one goroutine at a
// time, as to any ResponseWriter.
func (w *Writer) settle(status int) {
	if w.begun {
		return
	}
	w.begun = true
	w.resp.Settle(w.ctx, w.inner.Header(), cmp.Or(status, w.implied()))
}

func (w *Writer) implied() int {
	if router, ok := w.inner.(routerWriter); ok {
		return router.Status()
	}
	return http.StatusOK
}

// heard notes when the client hears nothing: the writer of a time limit takes
// no bytes once the limit has answered.
func (w *Writer) heard(n int, err error) (int, error) {
	if err != nil && n == 0 && !errors.Is(err, http.ErrBodyNotAllowed) {
		w.resp.Lose()
	}
	return n, err
}

// End settles the response when the handler is done: if nothing was written,
// the server or the router answers by itself, with the header as it is then.
func (w *Writer) End() {
	if !w.begun && !IsDead(w.inner) {
		w.resp.Settle(w.ctx, w.inner.Header(), w.implied())
	}
}

func (w *Writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.inner).Hijack()
	if err == nil {
		w.resp.Drop()
	}
	return conn, rw, err
}

// deepest bounds how many writers are looked through.
const deepest = 32

// chain is w and the writers that it wraps, from the outside in. A nil one,
// which leads nowhere, is the last.
func chain(w http.ResponseWriter) iter.Seq[http.ResponseWriter] {
	return func(yield func(http.ResponseWriter) bool) {
		for range deepest {
			if !yield(w) {
				return
			}
			inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
			if !ok {
				return
			}
			w = inner.Unwrap()
		}
	}
}

// Settles reports whether what is written to w is known to pass through a
// Writer of r.
func (r *Response) Settles(w http.ResponseWriter) bool {
	for w := range chain(w) {
		if at, ok := w.(interface{ settles(*Response) bool }); ok && at.settles(r) {
			return true
		}
	}
	return false
}

func (w *Writer) settles(r *Response) bool { return w.resp == r }

// IsDead reports whether w leads nowhere, as the writer of a copy of Gin's
// context: its methods panic.
func IsDead(w http.ResponseWriter) bool {
	for w := range chain(w) {
		if w == nil {
			return true
		}
	}
	return false
}

// ContextsOf are the contexts of the requests that the writers of ours around w
// belong to.
func ContextsOf(w http.ResponseWriter) (found []context.Context) {
	for w := range chain(w) {
		if at, ok := w.(interface {
			settles(*Response) bool
			Context() context.Context
		}); ok {
			found = append(found, at.Context())
		}
	}
	return found
}

func canFlush(w http.ResponseWriter) bool {
	for w := range chain(w) {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		}
	}
	return false
}

// passage leads to a writer that cannot be hijacked itself but may know one
// that can.
type passage struct {
	http.ResponseWriter

	writer *Writer
}

// Unwrap goes on to that writer.
func (p passage) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Hijack is seen by us.
func (p passage) Hijack() (net.Conn, *bufio.ReadWriter, error) { return p.writer.hijack() }
