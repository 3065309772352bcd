package wire

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Token is a text for the client, and when it ends.
type Token struct {
	Value string
	Ends  time.Time
}

// Pair is what a client gets at a sign-in and at a refresh.
type Pair struct {
	Access, Refresh, IDRefresh Token
	AntiCSRF                   string
	// Claims are those of the access token, for the page.
	Claims *token.Access
}

// late is how old a decision may be when the header is written. If it is older,
// the database is asked whether it is still right. Most requests are over
// within this tenth of a second and pay no statement for it: in so short a time
// no browser signs out, or in as somebody else, and gets the answer to that.
const late = 100 * time.Millisecond

// Response collects what the session code of one request wants to say to the
// client, and puts it into the header at the moment in which the header is
// written. So the last word is said here, whoever wrote headers in between; and
// what is no longer true by then is not said at all.
//
// Collecting is safe from any goroutine and at any time. It touches neither the
// header nor the ResponseWriter: these belong to the handler's goroutine and,
// in Gin, to somebody else's request later on. What comes after the header was
// written is not sent.
//
// The mutex is never held while code of others runs: a store or a logger that
// is asked at header time may call the session's methods.
type Response struct {
	request Request
	// PassedOn is the copy of the request that handlers get, or nil.
	PassedOn *http.Request

	mu sync.Mutex
	by Carrier
	// owner is the handle of the session that the client has after this
	// response.
	owner string
	plan  plan
	// plans counts them: one that came while another was asked about is young.
	plans int
	// challenge is what a 401 says, if one is the answer: see Refuse.
	challenge string
	// done: the header is written, or will never be.
	done bool
	// missed: something was to be sent after that.
	missed bool
	// set is what the header holds of ours.
	set what
}

// plan is what is to be sent.
type plan struct {
	what what
	pair Pair
	// device is the device cookie that goes with a sign-in's pair; see Remember.
	device Token
	// ends is when the access cookie ends.
	ends time.Time
	// alive asks the database whether the client may still get the tokens.
	alive func(context.Context) bool
	// decided is when all this was right.
	decided time.Time
	// own: this request ended the session itself. What it found ended may have
	// been replaced in the browser by a sign-in meanwhile.
	own bool
	// cookies and headers say what a removal removes.
	cookies, headers bool
}

// what is ordered by how much of a header it takes.
type what uint8

const (
	nothing what = iota
	newAccess
	newPair
	removal
)

// Init makes r the response to a request, which it reads.
func (r *Response) Init(set *Settings, request *http.Request) { r.request.read(set, request) }

// HandBack gives the request that came the form that was read from the copy
// which handlers get: net/http removes the temporary files of the request that
// it made, and of no other. It is for the handler's goroutine.
func (r *Response) HandBack() {
	if came := r.request.http; r.PassedOn != nil && came.MultipartForm == nil {
		came.MultipartForm = r.PassedOn.MultipartForm
	}
}

// Request is what the request carries.
func (r *Response) Request() *Request { return &r.request }

// Carries says by which carrier the request's session came, and its handle
// where that is known.
func (r *Response) Carries(by Carrier, handle string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by, r.owner = by, handle
}

// Carrier is the carrier of the request's session.
func (r *Response) Carrier() Carrier {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.by
}

// Issue sends a pair of tokens. It reports whether that is still possible.
func (r *Response) Issue(pair Pair, by Carrier, alive func(context.Context) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by, r.owner = by, pair.Claims.Handle
	return r.collect(plan{what: newPair, pair: pair, device: r.plan.device, ends: pair.Refresh.Ends, alive: alive})
}

// Remember sends a device cookie with the pair of tokens of a sign-in, which has
// been collected: with this answer or not at all, and not without them.
func (r *Response) Remember(device Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plan.what == newPair {
		r.plan.device = device
	}
}

// Replace sends a new access token in place of the client's. The cookie
// outlives the token, so that an expired token still shows that there is a
// session to refresh. It reports whether that is still possible.
func (r *Response) Replace(access Token, claims *token.Access, ends time.Time, alive func(context.Context) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isAnothers(claims.Handle) || r.plan.what == removal && r.plan.own {
		return true
	}
	if r.plan.what == newPair {
		p := r.plan
		p.pair.Access, p.pair.Claims, p.alive = access, claims, alive
		return r.collect(p)
	}
	if ends.Before(access.Ends) {
		ends = access.Ends
	}
	return r.collect(plan{what: newAccess, pair: Pair{Access: access, Claims: claims}, ends: ends, alive: alive})
}

// Remove takes every token away from the client, because this request ended the
// session of that handle (own), or found out that it is over.
func (r *Response) Remove(handle string, own bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isAnothers(handle) {
		return true
	}
	q := &r.request
	// Once this request has ended the session itself, a later call that only
	// finds it ended does not change that.
	own = own || r.plan.what == removal && r.plan.own
	// What came by the other carrier may be another session, which lives.
	return r.collect(plan{
		what: removal, own: own,
		cookies: r.by == ByCookie || own && q.carries(ByCookie),
		headers: r.by == ByHeader || own && q.namesMode && q.carries(ByHeader),
	})
}

// RemoveCarried takes away what the request carried, where it carried no token
// that could say more. Other tokens may belong to a sign-in that is on its way.
func (r *Response) RemoveCarried() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &r.request
	return r.collect(plan{what: removal, cookies: q.carries(ByCookie), headers: q.namesMode && q.carries(ByHeader)})
}

// isAnothers: a sign-in has put another session into the client's hands
// meanwhile.
func (r *Response) isAnothers(handle string) bool {
	return r.owner != "" && handle != "" && r.owner != handle
}

// collect makes p the plan, unless it is too late.
func (r *Response) collect(p plan) bool {
	if r.done {
		r.missed = true
		return false
	}
	p.decided = r.request.set.Now()
	r.plan = p
	r.plans++
	return true
}

// Sent reports whether the client hears, or has heard, of everything.
func (r *Response) Sent() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.missed
}

// Done reports whether nothing can be sent any more.
func (r *Response) Done() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// Refuse notes that the request gets no session: if it is answered by a 401,
// whoever writes that, the field WWW-Authenticate says challenge (RFC 9110,
// section 15.5.2).
func (r *Response) Refuse(challenge string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.challenge = challenge
}

// Preview puts what is known so far into the header, for writers that do not
// pass through a [Writer]. Settle corrects it. When a request is over it has no
// header any more: what is there may be another one's.
func (r *Response) Preview(ctx context.Context, h http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done || r.plan.what == nothing && r.set == nothing || ctx.Err() != nil {
		return
	}
	r.apply(h)
}

// Settle puts what is to be sent into the header of an answer with that status,
// after asking whether it is still right, and ends the response. It is called
// right before the header is written, by whoever writes it.
func (r *Response) Settle(ctx context.Context, h http.Header, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.decide(ctx)
		r.done = true
	}
	r.apply(h)
	if status == http.StatusUnauthorized && r.challenge != "" {
		Challenge(h, r.challenge)
	}
}

// decide drops the plan unless it is still right. What is collected while it
// asks is asked about again only if that took long too.
func (r *Response) decide(ctx context.Context) {
	for range 2 {
		p, plans := r.plan, r.plans
		if !r.isLate(&p) {
			return
		}
		right := p.what == removal && p.own
		if p.what != removal && p.alive != nil {
			right = r.ask(ctx, p.alive)
		}
		if plans != r.plans {
			continue
		}
		if !right {
			r.drop()
		}
		return
	}
	if r.isLate(&r.plan) {
		r.drop()
	}
}

// ask runs alive without the mutex, and holds that again when it returns or
// panics.
func (r *Response) ask(ctx context.Context, alive func(context.Context) bool) bool {
	r.mu.Unlock()
	defer r.mu.Lock()
	return alive(ctx)
}

// isLate reports whether p has to be asked about. A clock that was set back
// says nothing.
func (r *Response) isLate(p *plan) bool {
	if p.what == nothing {
		return false
	}
	age := r.request.set.Now().Sub(p.decided)
	return age < 0 || age > late
}

func (r *Response) drop() {
	r.missed = r.missed || r.plan.what != nothing
	r.plan = plan{}
}

// Drop ends the response without a header: the connection is somebody else's
// now, or was never ours.
func (r *Response) Drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.done = true
		r.drop()
	}
}

// Lose notes that nobody gets what was sent: the writer took no bytes.
func (r *Response) Lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed = r.missed || r.plan.what != nothing
}

// Withdraw takes out of the header what Preview put in, for an answer before
// the answer.
func (r *Response) Withdraw(h http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set != nothing && !r.done {
		r.withdraw(h)
		h.Del("Cache-Control")
	}
}
