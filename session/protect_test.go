package session_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// The optional methods of a writer, each by itself, to put together what a test needs.
type (
	onlyWriter struct{ http.ResponseWriter }
	flushes    struct{ flushed *int }
	hijacks    struct{ conn net.Conn }
	pushes     struct{ pushed *int }
	notifies   struct{ gone chan bool }
	unwraps    struct{ inner http.ResponseWriter }
)

func (f flushes) Flush() { *f.flushed++ }
func (h hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, nil, nil
}
func (p pushes) Push(string, *http.PushOptions) error { *p.pushed++; return nil }
func (n notifies) CloseNotify() <-chan bool           { return n.gone }
func (u unwraps) Unwrap() http.ResponseWriter         { return u.inner }

// What a type assertion finds out about the inner writer is true of ours: no more, no less.
func TestExchange_WriterIsWhatTheInnerOneIs(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	var flushed, pushed int
	o, f, h, p, n := onlyWriter{httptest.NewRecorder()}, flushes{&flushed}, hijacks{}, pushes{&pushed}, notifies{}
	type inner = http.ResponseWriter
	for i, w := range []inner{
		o,
		struct {
			onlyWriter
			flushes
		}{onlyWriter: o, flushes: f},
		struct {
			onlyWriter
			hijacks
		}{onlyWriter: o, hijacks: h},
		struct {
			onlyWriter
			flushes
			hijacks
		}{onlyWriter: o, flushes: f, hijacks: h},
		struct {
			onlyWriter
			pushes
		}{onlyWriter: o, pushes: p},
		struct {
			onlyWriter
			flushes
			pushes
		}{onlyWriter: o, flushes: f, pushes: p},
		struct {
			onlyWriter
			hijacks
			pushes
		}{onlyWriter: o, hijacks: h, pushes: p},
		struct {
			onlyWriter
			flushes
			hijacks
			pushes
		}{onlyWriter: o, flushes: f, hijacks: h, pushes: p},
		struct {
			onlyWriter
			notifies
		}{onlyWriter: o, notifies: n},
		struct {
			onlyWriter
			flushes
			notifies
		}{onlyWriter: o, flushes: f, notifies: n},
		struct {
			onlyWriter
			hijacks
			notifies
		}{onlyWriter: o, hijacks: h, notifies: n},
		struct {
			onlyWriter
			flushes
			hijacks
			notifies
		}{onlyWriter: o, flushes: f, hijacks: h, notifies: n},
		struct {
			onlyWriter
			pushes
			notifies
		}{onlyWriter: o, pushes: p, notifies: n},
		struct {
			onlyWriter
			flushes
			pushes
			notifies
		}{onlyWriter: o, flushes: f, pushes: p, notifies: n},
		struct {
			onlyWriter
			hijacks
			pushes
			notifies
		}{onlyWriter: o, hijacks: h, pushes: p, notifies: n},
		struct {
			onlyWriter
			flushes
			hijacks
			pushes
			notifies
		}{onlyWriter: o, flushes: f, hijacks: h, pushes: p, notifies: n},
	} {
		x := k.Exchange(w, request(t, nil))
		require.Equal(t, kindOf(w), kindOf(x.Writer()), "%d", i)
		again := k.Exchange(x.Writer(), x.Request())
		require.Equal(t, x.Writer(), again.Writer(), "nothing is wrapped twice")
		if flusher, ok := x.Writer().(http.Flusher); ok {
			flusher.Flush()
		}
		if pusher, ok := x.Writer().(http.Pusher); ok {
			require.NoError(t, pusher.Push("/x", nil))
		}
		if notifier, ok := x.Writer().(http.CloseNotifier); ok { //nolint:staticcheck // Gin's Stream asks for it
			require.Nil(t, notifier.CloseNotify())
		}
		if hijacker, ok := x.Writer().(http.Hijacker); ok {
			_, _, err := hijacker.Hijack()
			require.NoError(t, err)
		}
		x.Close()
	}
	require.Equal(t, 8, flushed)
	require.Equal(t, 8, pushed)
}

func kindOf(w http.ResponseWriter) [4]bool {
	_, f := w.(http.Flusher)
	_, h := w.(http.Hijacker)
	_, p := w.(http.Pusher)
	_, n := w.(http.CloseNotifier) //nolint:staticcheck // Gin's Stream asks for it
	return [...]bool{f, h, p, n}
}

// A writer that only passes a hijack on does not hide it from us.
func TestExchange_HijackThroughAWriterThatUnwraps(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for name, w := range map[string]http.ResponseWriter{
		"itself": struct {
			http.ResponseWriter
			hijacks
		}{httptest.NewRecorder(), hijacks{}},
		"unwraps": struct {
			http.ResponseWriter
			unwraps
		}{httptest.NewRecorder(), unwraps{struct {
			http.ResponseWriter
			hijacks
		}{httptest.NewRecorder(), hijacks{}}}},
	} {
		x := k.Exchange(w, request(t, oldClient))
		sess, err := x.Create("user")
		require.NoError(t, err, name)
		require.True(t, sess.Sent(), name)
		_, _, err = http.NewResponseController(x.Writer()).Hijack()
		require.NoError(t, err, name)
		require.False(t, sess.Sent(), "%s: the connection is somebody else's", name)
		x.Close()
	}
	x := k.Exchange(struct{ http.ResponseWriter }{httptest.NewRecorder()}, request(t, oldClient))
	sess, err := x.Create("user")
	require.NoError(t, err)
	_, _, err = http.NewResponseController(x.Writer()).Hijack()
	require.ErrorIs(t, err, http.ErrNotSupported)
	require.ErrorIs(t, http.NewResponseController(x.Writer()).Flush(), http.ErrNotSupported)
	_, err = sess.MergePayload(t.Context(), map[string]any{"a": 1})
	require.NoError(t, err)
	require.True(t, sess.Sent(), "what was not possible has ended nothing")
}

// On real servers http.ResponseController does what it does without us, and an answer
// before the answer has nothing of a session.
func TestProtect_OnRealServers(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		k := newKit(t)
		handler := func(w http.ResponseWriter, r *http.Request) {
			sess, ok := session.FromContext(r.Context())
			if !ok {
				t.Error("no session")
				return
			}
			if _, err := sess.MergePayload(r.Context(), map[string]any{"a": time.Now().UnixNano()}); err != nil {
				t.Error(err)
			}
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			ctl := http.NewResponseController(w)
			if err := ctl.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
			if err := ctl.EnableFullDuplex(); err != nil && !http2 {
				t.Error(err)
			}
			_, _ = io.WriteString(w, "one")
			if err := ctl.Flush(); err != nil {
				t.Error(err)
			}
			_, _ = io.Copy(w, bufio.NewReader(io.LimitReader(zeros{}, 1<<16)))
			if !sess.Sent() {
				t.Error("not sent")
			}
		}
		server := httptest.NewUnstartedServer(k.Protect(http.HandlerFunc(handler)))
		server.EnableHTTP2 = http2
		server.StartTLS()
		tokens, err := k.Create(t.Context(), "user")
		require.NoError(t, err)
		var hints []textproto.MIMEHeader
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			hints = append(hints, h)
			return nil
		}})
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		r.AddCookie(&http.Cookie{Name: "sAccessToken", Value: tokens.Access.Value})
		transport := &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the test's own
		res, err := transport.RoundTrip(r)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Len(t, body, 3+1<<16)
		require.Len(t, res.Cookies(), 1)
		require.Equal(t, []string{"no-store"}, res.Header.Values("Cache-Control"))
		require.Len(t, hints, 1)
		require.Equal(t, []string{"Link"}, slices.Collect(keysOf(hints[0])))
		transport.CloseIdleConnections()
		server.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func keysOf(h textproto.MIMEHeader) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// Protect around Protect is one exchange: the inner one ends nothing.
func TestProtect_Nested(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	signedIn := k.signIn(t, cookieClient)
	var seen *session.Session
	inner := k.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen, _ = session.FromContext(r.Context()) }))
	handler := k.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		sess, _ := session.FromContext(r.Context())
		require.Same(t, sess, seen)
		_, err := sess.MergePayload(r.Context(), map[string]any{"a": 1})
		require.NoError(t, err)
	}))
	r := request(t, cookieClient, "sAccessToken="+signedIn.value("sAccessToken"))
	r.Method = http.MethodGet
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	require.True(t, seen.Sent())
	require.NotEmpty(t, sentBy(t, w).value("sAccessToken"))
}

// A logger may look at the session that a line is about.
func TestSession_LoggersThatCallBack(t *testing.T) {
	t.Parallel()
	var sess *session.Session
	k := newKit(t, func(c *session.Config) {
		c.Logger = slog.New(callback{slog.DiscardHandler, func() {
			if sess != nil {
				_ = sess.Sent()
			}
		}})
	})
	w := httptest.NewRecorder()
	x := k.Exchange(w, request(t, oldClient))
	sess, err := x.Create("user")
	require.NoError(t, err)
	_, err = x.Writer().Write([]byte("early"))
	require.NoError(t, err)
	_, err = sess.MergePayload(t.Context(), map[string]any{"a": 1})
	require.NoError(t, err)
	require.False(t, sess.Sent())
	x.Close()
}

type callback struct {
	slog.Handler

	call func()
}

func (c callback) Enabled(context.Context, slog.Level) bool { return true }

func (c callback) Handle(context.Context, slog.Record) error {
	c.call()
	return nil
}
