package session

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// Exchange is one request and its response, as the session code of one Service sees
// them. It keeps the session of the request, and collects what the client is to be
// told until the header is written. Middleware for a router is made of it:
//
//	x := svc.Exchange(w, r)
//	defer x.Close()
//	if _, err := x.Verify(); err != nil {
//		svc.WriteError(x.Writer(), r, err)
//		return
//	}
//	next.ServeHTTP(x.Writer(), x.Request())
//
// Service.Protect is this for net/http, package middleware for Gin. Handlers need none of it.
type Exchange struct {
	context.Context // the request's, which finds the session: see Value

	svc      *Service
	response wire.Response
	writer   wire.Writer
	// outer is what handlers write to; nil where there is no writer of ours, so that
	// nothing can be said later.
	outer http.ResponseWriter
	// received is the request that came.
	received *http.Request
	// pending is what an earlier call without a writer of ours has put into the header.
	pending *wire.Pending

	session atomic.Pointer[Session]
	// looked: the session's row was read in this request, and was live.
	looked atomic.Bool
	// proven: the tokens were made in this request, which needs no other proof.
	proven atomic.Bool
}

// exchangeKey finds the Exchange of one Service: a request may pass through several.
type exchangeKey struct{ svc *Service }

// Exchange returns the Exchange of a request: the one that it is in already, or a new one,
// which the caller closes.
func (s *Service) Exchange(w http.ResponseWriter, r *http.Request) *Exchange {
	x := s.exchangeOf(w, r)
	if x == nil {
		x = s.newExchange(r)
	}
	switch {
	case x.outer == nil:
		x.outer = x.writer.Wrap(x.Context, w, &x.response)
	case x.response.Settles(w):
		x.outer = w
	default:
		x.outer = new(wire.Writer).Wrap(x.Context, w, &x.response)
	}
	return x
}

func (s *Service) newExchange(r *http.Request) *Exchange {
	x := &Exchange{Context: r.Context(), svc: s, received: r}
	x.response.Init(s.wire, r)
	return x
}

// exchangeOf is the Exchange that a request is in, or nil. One that has ended belongs to
// an earlier request, unless w is its writer: tests send one http.Request more than once.
func (s *Service) exchangeOf(w http.ResponseWriter, r *http.Request) *Exchange {
	x, _ := r.Context().Value(exchangeKey{s}).(*Exchange)
	if x == nil || x.response.Done() && !x.response.Settles(w) {
		return nil
	}
	return x
}

// Value finds the session and the Exchange itself, beside what the request's context has.
func (x *Exchange) Value(key any) any {
	switch key := key.(type) {
	case contextKey:
		if sess := x.session.Load(); sess != nil {
			return sess
		}
	case exchangeKey:
		if key.svc == x.svc {
			return x
		}
	}
	return x.Context.Value(key)
}

// Writer is what the handler must write to. It has the methods of the writer that
// Service.Exchange was given: those of http.Flusher, http.Hijacker and http.Pusher, and
// of Gin's ResponseWriter.
func (x *Exchange) Writer() http.ResponseWriter { return x.outer }

// Request is the request with the session in its context, for the handler.
func (x *Exchange) Request() *http.Request {
	if x.response.PassedOn == nil {
		x.response.PassedOn = x.received.WithContext(x)
	}
	return x.response.PassedOn
}

// Session is the session that the request has by now, or nil.
func (x *Exchange) Session() *Session { return x.session.Load() }

// Close ends the Exchange: what was collected is put into the header if that is not yet
// written, and nothing can be sent any more. Call it when the handler is done. It
// may be called more than once.
func (x *Exchange) Close() {
	if x.outer == nil {
		return
	}
	x.response.HandBack()
	x.response.Settle(x.Context, x.writer.Header())
}

// preview puts what is known by now into the header at once: an answer of a status alone may be
// written past our writer.
func (x *Exchange) preview() {
	if x.outer != nil {
		x.response.Preview(x.outer.Header())
	}
}

// settleAlone puts what is known into the header of a response that has no writer of
// ours, and ends it: nobody could say later what it holds by then.
func (x *Exchange) settleAlone(w http.ResponseWriter) {
	if x.outer == nil {
		x.response.Settle(x.Context, w.Header())
	}
}

// adopt makes sess the session of the request.
func (x *Exchange) adopt(sess *Session) *Session {
	sess.response = &x.response
	x.session.Store(sess)
	return sess
}

// replace sends a new access token for sess.
func (s *Session) replace(access *AccessToken, claims *token.Access, ends int64) {
	if s.response == nil {
		return
	}
	sent := s.response.Replace(wire.Token{Value: access.Value, Ends: access.ExpiresAt}, claims, timeOf(ends), s.svc.alive(claims.Handle))
	s.warnUnsent(sent)
}

// clear takes the client's tokens away: this call ended the session (own), or found
// that it is over.
func (s *Session) clear(own bool) {
	if s.response != nil {
		s.warnUnsent(s.response.Remove(s.Handle(), own))
	}
}

func (s *Session) warnUnsent(sent bool) {
	if !sent && s.warned.CompareAndSwap(false, true) {
		s.svc.cfg.Logger.Warn("sessionkit: the response was on its way when the session changed, so the client does not hear of it",
			"session", shortHash(s.Handle()))
	}
}

// alive asks whether the session still lives, for a response that took long.
func (s *Service) alive(handle string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		_, err := s.live(context.WithoutCancel(ctx), handle)
		if err != nil && !errors.Is(err, errors.ErrUnauthorised) {
			s.cfg.Logger.WarnContext(ctx, "sessionkit: tokens were not sent, as nobody could tell whether their session still lives",
				"session", shortHash(handle), "error", err)
		}
		return err == nil
	}
}
