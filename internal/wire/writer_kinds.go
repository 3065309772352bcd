// revive:disable:exported The methods are those of net/http's interfaces.

package wire

import (
	"bufio"
	"net"
	"net/http"
)

// kind is w with the methods that the inner writer has beside a
// ResponseWriter's, and with no others: what callers find out by a type
// assertion must be true. Each kind is a single pointer, so that none costs an
// allocation of its own.
func (w *Writer) kind() http.ResponseWriter {
	if _, ok := w.inner.(routerWriter); ok {
		return forRouter{w}
	}
	const flush, hijack, push, notify = 1, 2, 4, 8
	has := 0
	if _, ok := w.inner.(http.Flusher); ok {
		has |= flush
	}
	if _, ok := w.inner.(http.Hijacker); ok {
		has |= hijack
	}
	if _, ok := w.inner.(http.Pusher); ok {
		has |= push
	}
	if _, ok := w.inner.(http.CloseNotifier); ok { //nolint:staticcheck // Gin's Stream needs it
		has |= notify
	}
	f, h := flusher{w}, hijacker{w}
	fh := flushHijacker{f}
	return [...]http.ResponseWriter{
		w, f, h, fh,
		pusher{w},
		flushPusher{f},
		hijackPusher{h},
		flushHijackPusher{fh},
		notifier{w},
		flushNotifier{f},
		hijackNotifier{h},
		flushHijackNotifier{fh},
		pushNotifier{pusher{w}},
		flushPushNotifier{flushPusher{f}},
		hijackPushNotifier{hijackPusher{h}},
		flushHijackPushNotifier{flushHijackPusher{fh}},
	}[has]
}

// The kinds, each one method more than the one in it.
type (
	flusher                 struct{ *Writer }
	hijacker                struct{ *Writer }
	pusher                  struct{ *Writer }
	notifier                struct{ *Writer }
	flushHijacker           struct{ flusher }
	flushPusher             struct{ flusher }
	flushNotifier           struct{ flusher }
	hijackPusher            struct{ hijacker }
	hijackNotifier          struct{ hijacker }
	pushNotifier            struct{ pusher }
	flushHijackPusher       struct{ flushHijacker }
	flushHijackNotifier     struct{ flushHijacker }
	flushPushNotifier       struct{ flushPusher }
	hijackPushNotifier      struct{ hijackPusher }
	flushHijackPushNotifier struct{ flushHijackPusher }
)

func (w flusher) Flush() { _ = w.FlushError() }

func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error)      { return w.hijack() }
func (w flushHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w pusher) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }

func (w flushPusher) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }

func (w hijackPusher) Push(target string, opts *http.PushOptions) error { return w.push(target, opts) }

func (w flushHijackPusher) Push(target string, opts *http.PushOptions) error {
	return w.push(target, opts)
}

func (w notifier) CloseNotify() <-chan bool                { return w.closeNotify() }
func (w flushNotifier) CloseNotify() <-chan bool           { return w.closeNotify() }
func (w hijackNotifier) CloseNotify() <-chan bool          { return w.closeNotify() }
func (w pushNotifier) CloseNotify() <-chan bool            { return w.closeNotify() }
func (w flushHijackNotifier) CloseNotify() <-chan bool     { return w.closeNotify() }
func (w flushPushNotifier) CloseNotify() <-chan bool       { return w.closeNotify() }
func (w hijackPushNotifier) CloseNotify() <-chan bool      { return w.closeNotify() }
func (w flushHijackPushNotifier) CloseNotify() <-chan bool { return w.closeNotify() }

func (w *Writer) push(target string, opts *http.PushOptions) error {
	return w.inner.(http.Pusher).Push(target, opts) //nolint:forcetypeassert // kind looked
}

func (w *Writer) closeNotify() <-chan bool {
	return w.inner.(http.CloseNotifier).CloseNotify() //nolint:forcetypeassert,staticcheck // kind looked
}
