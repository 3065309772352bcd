package rig

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/testseed"
)

// CrowdConfig says how many browsers do what. The zero values are those of the
// fault matrix, scaled to a machine of two cores.
type CrowdConfig struct {
	// Browsers have Tabs each; every third browser is a native app with one.
	Browsers, Tabs int
	// Pace is the mean pause between two messages of a tab.
	Pace time.Duration
	// Loss is the share of messages that get lost, half of them on the way back.
	Loss float64
	// Thieves is the share of browsers of which somebody copies the tokens.
	Thieves float64
	// Concurrent is the window of the instances in window mode.
	Concurrent time.Duration
	// Strict and Window are base URLs of instances in strict mode, for browsers
	// whose tabs take turns, and in window mode, for those whose tabs don't. A
	// message goes to any of its list. Either list may be empty.
	Strict, Window []string
	// Long, if set, are instances in strict mode whose access tokens outlive the
	// fault. Every fourth browser works with them.
	Long []string
	// Pages, if set, are instances with AppConfig.Pages and a window. Every second
	// browser that is no native app works with them, and has no scripts.
	Pages []string
	// Timeout is how long a client waits for an answer.
	Timeout time.Duration
	// NoSignOut keeps all sessions.
	NoSignOut bool
	// Eager is the share of actions that are a refresh ahead of time.
	Eager float64
	// Aborts is the share of messages whose client hangs up within Hurry.
	Aborts float64
	Hurry  time.Duration
	// Allow500 expects the application to fail at times.
	Allow500 bool
	// Users begins the names of the users; default "user".
	Users string
	// ForeignPages opens two foreign pages in each browser, which ask for requests in its
	// user's name.
	ForeignPages bool
	// AnySite says that the application's cookies go across sites (SameSite=None).
	AnySite bool
	// Planters gives each browser a sibling host that plants cookies in it.
	Planters bool
	// FrontEnds has every browser run the same front end in all its tabs, which take turns
	// and keep cookies: no native apps, and no clients that refresh without looking.
	FrontEnds bool
	// Truce has thieves copy tokens and not use them before Crowd.EndTruce.
	Truce bool
	// Prefixed says that the names of the application's cookies keep other hosts out.
	Prefixed bool
}

func (c CrowdConfig) withDefaults() CrowdConfig {
	if c.Browsers == 0 {
		c.Browsers, c.Tabs, c.Loss, c.Thieves = 40, 3, 0.16, 0.25
	}
	if c.Pace == 0 {
		c.Pace = 250 * time.Millisecond
	}
	if c.Concurrent == 0 {
		c.Concurrent = 3 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	c.Users = cmp.Or(c.Users, "user")
	return c
}

// Crowd is a number of browsers under way.
type Crowd struct {
	cfg     CrowdConfig
	client  *Client
	tally   *Tally
	people  []*person
	thieves []*thief
	seed    uint64
	stop    context.CancelFunc
	truce   atomic.Bool
	ctx     context.Context //nolint:containedctx // it is the crowd's life
	work    sync.WaitGroup
}

// StartCrowd signs all browsers in and lets them work until Stop. The seed is
// printed; testseed.Env repeats who does what, though not when.
func StartCrowd(t testing.TB, cfg CrowdConfig) *Crowd {
	t.Helper()
	cfg = cfg.withDefaults()
	c := &Crowd{cfg: cfg, client: NewClient(cfg.Timeout), tally: newTally(cfg.Allow500), seed: testseed.New(t)}
	c.truce.Store(cfg.Truce)
	c.ctx, c.stop = context.WithCancel(context.WithoutCancel(t.Context()))
	alien := pair{}
	if cfg.Planters {
		alien = alienPair(t)
	}
	for i := range cfg.Browsers {
		b := c.newPerson(i)
		c.people = append(c.people, b)
		c.attack(i, b, alien)
		for tab := range b.tabs {
			c.work.Go(func() { b.live(c.ctx, tab) })
		}
		if float64(i%20)/20 < cfg.Thieves {
			th := &thief{victim: b, kind: thiefKinds[(i/20*6+i%20)%len(thiefKinds)], random: c.random(1000 + i)}
			c.thieves = append(c.thieves, th)
			c.work.Go(func() { th.live(c.ctx) })
		}
	}
	t.Cleanup(c.Stop)
	return c
}

// attack sets others upon a browser. A native app has no cookies that they could use.
func (c *Crowd) attack(i int, b *person, alien pair) {
	if b.native {
		return
	}
	stream := 1<<20 + i*16
	random := func() *rand.Rand { stream++; return c.random(stream) }
	if c.cfg.Planters {
		p := b.newPlanter(random(), alien)
		c.work.Go(func() { p.live(c.ctx) })
	}
	if c.cfg.ForeignPages {
		for _, page := range b.foreignPages(random) {
			c.work.Go(func() { page.live(c.ctx) })
		}
	}
}

func (c *Crowd) random(stream int) *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(stream))) }

// Stop ends the work and waits for it. It may be called twice.
func (c *Crowd) Stop() {
	c.stop()
	c.work.Wait()
	c.client.Close()
}

// EndTruce lets the thieves of CrowdConfig.Truce use what they have.
func (c *Crowd) EndTruce() { c.truce.Store(false) }

// Tally is what was counted so far.
func (c *Crowd) Tally() *Tally { return c.tally }

func (c *Crowd) newPerson(i int) *person {
	b := &person{
		crowd: c, user: fmt.Sprint(c.cfg.Users, i), tabs: c.cfg.Tabs, instances: c.cfg.Strict, lock: true, strict: true,
	}
	switch {
	case len(c.cfg.Long) > 0 && i%4 == 0:
		b.instances = c.cfg.Long
	case len(c.cfg.Strict) == 0 || i%2 == 1 && len(c.cfg.Window) > 0:
		b.instances, b.lock, b.strict = c.cfg.Window, false, false
	}
	if len(c.cfg.Pages) > 0 && i%3 != 2 && i%2 == 0 {
		b.instances, b.lock, b.strict, b.paper = c.cfg.Pages, false, false, true
	}
	if !c.cfg.FrontEnds {
		b.native, b.naive = i%3 == 2, i%6 == 3 || i%6 == 4
	}
	streams := b.tabs
	switch {
	case b.native:
		b.tabs, streams = 1, 1
	case b.naive:
		b.tabs, streams = 1, 2
	}
	if b.paper {
		b.naive, b.tabs, streams = false, c.cfg.Tabs, c.cfg.Tabs
	}
	for tab := range streams {
		b.randoms = append(b.randoms, c.random(i*16+tab))
	}
	b.jar = NewJar(time.Now, b.native)
	return b
}
