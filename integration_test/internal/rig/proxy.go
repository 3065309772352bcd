package rig

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Weather is what a Proxy does to everything that passes. The zero Weather is
// fine: it passes at once.
type Weather struct {
	// Down refuses new connections and breaks the old ones.
	Down bool
	// Silent swallows whatever the server says: the connection looks alive.
	Silent bool
	// Latency is added to each message of the server, Jitter at random on top.
	Latency, Jitter time.Duration
	// BytesPerSecond bounds a connection's speed in each direction; 0 = no bound.
	BytesPerSecond int
	// Slice cuts messages into pieces of this many bytes; 0 = not at all.
	Slice int
}

// Cut says how a connection ends at a chosen message of the client.
type Cut int

// The ways to end it.
const (
	NoCut Cut = iota
	// CutBefore resets the connection instead of passing the message.
	CutBefore
	// CutAfter passes the message, waits until the server answered, that is until
	// it was carried out, and resets the connection instead of passing the answer.
	CutAfter
	// HangAfter passes the message and then nothing any more, in silence.
	HangAfter
)

// Proxy is a TCP proxy on 127.0.0.1 that makes trouble as told.
type Proxy struct {
	target   atomic.Pointer[string]
	listener net.Listener
	weather  atomic.Pointer[Weather]
	work     sync.WaitGroup

	mu     sync.Mutex
	open   map[*link]bool
	closed bool
	nth    int // messages until the cut; 0 = none
	cut    Cut
	rate   float64 // of messages that are cut, beside nth
	cuts   int
}

// link is one proxied connection.
type link struct {
	client, server *net.TCPConn
	doom           atomic.Int32 // a Cut that waits for the server's answer
}

// NewProxy starts a proxy before target, host:port. It ends with t.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, open: make(map[*link]bool)}
	p.target.Store(&target)
	p.weather.Store(&Weather{})
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr is where to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Set changes the weather for all connections.
func (p *Proxy) Set(w Weather) {
	p.weather.Store(&w)
	if w.Down {
		p.BreakAll()
	}
}

// Retarget leads all connections to another server and breaks the old ones.
func (p *Proxy) Retarget(target string) {
	p.target.Store(&target)
	p.BreakAll()
}

// CutAt cuts the connection on which the n-th message from now is sent; 0 ends
// all cutting, and breaks connections that waited for their cut.
func (p *Proxy) CutAt(n int, how Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nth, p.cut, p.rate = n, how, 0
	if n > 0 {
		return
	}
	for l := range p.open {
		if l.doom.Load() != int32(NoCut) {
			l.reset()
		}
	}
}

// CutRandomly cuts at that share of the messages until told otherwise.
func (p *Proxy) CutRandomly(rate float64, how Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nth, p.cut, p.rate = 0, how, rate
}

// Cuts is how many connections were cut.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// BreakAll resets every connection.
func (p *Proxy) BreakAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		l.reset()
	}
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.BreakAll()
	p.work.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(client.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	if p.weather.Load().Down {
		reset(client)
		return
	}
	server, err := net.Dial("tcp", *p.target.Load()) //nolint:noctx // loopback: it answers or refuses at once
	if err != nil {
		reset(client)
		return
	}
	l := &link{client: client, server: server.(*net.TCPConn)}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		l.reset()
		return
	}
	p.open[l] = true
	p.mu.Unlock()
	var pumps sync.WaitGroup
	pumps.Go(func() { p.pump(l, l.client, l.server, p.beforeServer) })
	pumps.Go(func() { p.pump(l, l.server, l.client, p.beforeClient) })
	pumps.Wait()
	p.mu.Lock()
	delete(p.open, l)
	p.mu.Unlock()
}

// errCut ends a link.
var errCut = errors.New("rig: cut")

// pump copies until an end breaks; toll may hold or refuse a message.
func (p *Proxy) pump(l *link, from, to *net.TCPConn, toll func(*link) (pass bool, err error)) {
	defer l.reset()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			pass, tollErr := toll(l)
			if tollErr != nil || pass && p.write(to, buf[:n]) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// beforeServer decides on a message of the client.
func (p *Proxy) beforeServer(l *link) (bool, error) {
	switch p.due() {
	case CutBefore:
		return false, errCut
	case CutAfter:
		l.doom.Store(int32(CutAfter))
	case HangAfter:
		l.doom.Store(int32(HangAfter))
	case NoCut:
	}
	return true, nil
}

// beforeClient decides on a message of the server.
func (p *Proxy) beforeClient(l *link) (bool, error) {
	switch Cut(l.doom.Load()) {
	case CutAfter:
		return false, errCut
	case HangAfter:
		return false, nil
	case NoCut, CutBefore:
	}
	w := p.weather.Load()
	if w.Latency+w.Jitter > 0 {
		time.Sleep(w.Latency + rand.N(w.Jitter+1))
	}
	return !w.Silent, nil
}

// due counts a message and returns how to cut at it, if so.
func (p *Proxy) due() Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	hit := p.rate > 0 && rand.Float64() < p.rate
	if p.nth > 0 {
		p.nth--
		hit = p.nth == 0
	}
	if !hit {
		return NoCut
	}
	p.cuts++
	return p.cut
}

func (p *Proxy) write(to *net.TCPConn, b []byte) error {
	w := p.weather.Load()
	piece := len(b)
	if w.Slice > 0 {
		piece = w.Slice
	}
	for len(b) > 0 {
		n := min(piece, len(b))
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		if w.BytesPerSecond > 0 {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(w.BytesPerSecond))
		}
		b = b[n:]
	}
	return nil
}

func (l *link) reset() {
	reset(l.client)
	reset(l.server)
}

// reset closes with RST rather than FIN: the peer sees a failure, not an end.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
