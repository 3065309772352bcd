package session

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
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
// Service.Protect is this for net/http, package middleware for Gin. Handlers need none
// of it.
type Exchange struct {
	ctx context.Context // the request's

	svc *Service
	// root is the Exchange that the request is in: the one that was made first. Those
	// that later callers get are views of it, with a writer of their own.
	root     *Exchange
	response wire.Response
	writer   wire.Writer
	// outer is what handlers write to; nil where there is no writer of ours, so that
	// nothing can be said later.
	outer http.ResponseWriter
	// received is the request that came, at began.
	received *http.Request
	began    int64
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

// Exchange returns the Exchange of a request, which the caller closes. A request has
// one: where it is in one already, what is returned shares all with that, but for the
// writer, and ends nothing when it is closed.
func (s *Service) Exchange(w http.ResponseWriter, r *http.Request) *Exchange {
	if root := s.exchangeOf(w, r); root != nil && !wire.IsDead(w) {
		return root.viewFor(w, r)
	}
	x := s.newExchange(r)
	x.outer = x.writer.Wrap(x.context(), w, &x.response)
	x.lookAt(w)
	return x
}

// lookAt goes on from what an earlier call without a writer of ours has put into the
// header of w, if there is a header.
func (x *Exchange) lookAt(w http.ResponseWriter) {
	if wire.IsDead(w) {
		x.response.Drop()
	} else if p, ok := x.svc.wire.Pending(w.Header()); ok {
		x.continueFrom(p)
	}
}

// viewFor is x for somebody whose writer is w: a router that started over, or a
// middleware that put one of its own in between.
func (x *Exchange) viewFor(w http.ResponseWriter, r *http.Request) *Exchange {
	view := &Exchange{ctx: x.context(), svc: x.svc, root: x, received: r}
	if view.outer = w; !x.response.Settles(w) {
		view.outer = view.writer.Wrap(x.context(), w, &x.response)
	}
	return view
}

func (s *Service) newExchange(r *http.Request) *Exchange {
	x := &Exchange{ctx: r.Context(), svc: s, received: r, began: s.now()}
	x.root = x
	x.response.Init(s.wire, r)
	return x
}

// exchangeOf is the Exchange that a request is in, or nil: its context knows, or the
// writer. One that has ended belongs to an earlier request, unless w is its writer:
// tests send one http.Request more than once.
func (s *Service) exchangeOf(w http.ResponseWriter, r *http.Request) *Exchange {
	x, _ := r.Context().Value(exchangeKey{s}).(*Exchange)
	if x == nil {
		for _, ctx := range wire.ContextsOf(w) {
			if x, _ = ctx.Value(exchangeKey{s}).(*Exchange); x != nil {
				break
			}
		}
	}
	if x == nil || !x.response.Request().IsOf(r) || x.response.Done() && !x.response.Settles(w) {
		return nil
	}
	return x
}

// exchangeContext is an Exchange as the context of its request. It is another type, so
// that its methods are not the Exchange's.
type exchangeContext Exchange

// context is what finds the session and the Exchange.
func (x *Exchange) context() context.Context { return (*exchangeContext)(x) }

// Deadline is the request's.
func (x *exchangeContext) Deadline() (time.Time, bool) { return x.ctx.Deadline() }

// Done is the request's.
func (x *exchangeContext) Done() <-chan struct{} { return x.ctx.Done() }

// Err is the request's.
func (x *exchangeContext) Err() error { return x.ctx.Err() }

// Value finds the session and the Exchange itself, beside what the request's context
// has.
func (x *exchangeContext) Value(key any) any {
	switch key := key.(type) {
	case contextKey:
		if sess := x.session.Load(); sess != nil {
			return sess
		}
	case exchangeKey:
		if key.svc == x.svc {
			return (*Exchange)(x)
		}
	}
	return x.ctx.Value(key)
}

// Writer is what the handler must write to. It has the methods of the writer that
// Service.Exchange was given: those of http.Flusher, http.Hijacker, http.Pusher and
// http.CloseNotifier, and of Gin's ResponseWriter.
func (x *Exchange) Writer() http.ResponseWriter { return x.outer }

// Request is the request with the session in its context, for the handler. It is a
// copy, so whoever passes it on must Close the Exchange when the handler is done:
// net/http removes the temporary files of a form from the request that it made, and of
// no other.
func (x *Exchange) Request() *http.Request {
	switch {
	case x.root == x && x.response.PassedOn == nil:
		x.response.PassedOn = x.received.WithContext(x.context())
		fallthrough
	case x.root == x:
		return x.response.PassedOn
	}
	// What stands in between may have changed the request: that one goes on.
	ctx := x.received.Context()
	if found, _ := ctx.Value(exchangeKey{x.svc}).(*Exchange); found == x.root {
		return x.received
	}
	return x.received.WithContext(within{ctx, x.root})
}

// within is the context of a request that lost sight of its Exchange.
type within struct {
	context.Context
	root *Exchange
}

// Value finds what the Exchange finds, and what the request's own context has.
func (c within) Value(key any) any {
	switch key.(type) {
	case contextKey, exchangeKey:
		return c.root.context().Value(key)
	default:
		return c.Context.Value(key)
	}
}

// Session is the session that the request has by now, or nil.
func (x *Exchange) Session() *Session { return x.root.session.Load() }

// Close ends the Exchange: what was collected is put into the header if that is not yet
// written, and nothing can be sent any more. Call it when the handler is done, from its
// goroutine. It may be called more than once.
func (x *Exchange) Close() {
	if x.root != x || x.outer == nil {
		return
	}
	x.response.HandBack()
	x.writer.End()
}

// preview puts what is known by now into the header at once: an answer of a status
// alone may be written past our writer. w is the caller's: only what passes through a
// writer of ours is known to be of the handler's goroutine.
func (x *Exchange) preview(w http.ResponseWriter) {
	if !x.response.Done() && x.response.Settles(w) {
		x.response.Preview(x.ctx, w.Header())
	}
}

// settleAlone puts what is known into the header of a response that has no writer of
// ours, and ends it: nobody could say later what it holds by then.
func (x *Exchange) settleAlone(w http.ResponseWriter) {
	if !x.response.Done() {
		x.response.Settle(x.ctx, w.Header(), http.StatusOK)
	}
}

// adopt makes sess the session of the request.
func (x *Exchange) adopt(sess *Session) *Session {
	sess.response, sess.exchange = &x.response, x
	x.session.Store(sess)
	return sess
}

// replace sends a new access token for sess.
func (s *Session) replace(access *Token, claims *token.Access, ends int64) {
	if s.response == nil {
		return
	}
	sent := s.response.Replace(wire.Token{Value: access.Value, Ends: access.ExpiresAt}, claims, timeOf(ends), s.svc.alive(claims))
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

// alive asks whether the client may still get these tokens, for a response that took
// long: the session lives, and the client has not been given newer ones meanwhile. It
// is the question that a use of the access token would be.
func (s *Service) alive(claims *token.Access) func(context.Context) bool {
	tok := lineage.Token{Hash: claims.Refresh, Parent: claims.Parent, Gen: claims.Gen, Iat: claims.RefreshIssuedAt}
	handle := claims.Handle
	return func(ctx context.Context) (ok bool) {
		// The answer is on its way, whoever hung up; and what an application's store
		// does must not keep it.
		defer func() {
			if recover() != nil {
				s.cfg.Logger.LogAttrs(ctx, slog.LevelError, "sessionkit: the store panicked when a response was to be written")
				ok = false
			}
		}()
		row, err := s.live(context.WithoutCancel(ctx), handle)
		switch {
		case err == nil:
			if tok.Parent.IsZero() {
				// It names no refresh token any more. It is of the current one, or of a
				// sibling of that, as long as the row is at its generation.
				return tok.Gen >= row.Lineage.Generation
			}
			v := lineage.OnUse(lineage.Of(row, s.now()), tok, s.window())
			return v != lineage.Unauthorised && v != lineage.TryRefresh
		case !errors.Is(err, errors.ErrUnauthorised):
			s.cfg.Logger.WarnContext(ctx, "sessionkit: tokens were not sent, as nobody could tell whether their session still lives",
				"session", shortHash(handle), "error", err)
		}
		return false
	}
}
