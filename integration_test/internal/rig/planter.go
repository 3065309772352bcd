package rig

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// planter is a sibling host that puts cookies into an honest user's browser. It has
// sessions of its own at the application, and reads nothing of the user's.
type planter struct {
	victim *person
	random *rand.Rand
	user   string
	jar    *Jar
	dead   pair // of a session of its own that has ended
	old    pair // replaced tokens of the session of its own that lives
	alien  pair // signed by keys that the application does not have
	left   pair // the user's own of some time ago, as an earlier Domain leaves them
}

type pair struct{ access, refresh string }

// plants are what it puts there, in this order. A refresh token alone is there for longer than
// an access token lives, so that it meets a refresh.
var plants = []string{
	"junk", "dead", "alien", "leftover", "many", "own refresh", "own refresh", "own refresh", "own refresh", "own refresh",
	"own access", ownPair, oldPair,
}

// With both tokens of a session of its own that lives, whether or not they were replaced,
// a sibling host can keep the user from being served while they are there: nobody can tell
// them from the user's own, unless the own cookie's name has a prefix.
const ownPair, oldPair = "own pair", "old pair"

func (b *person) newPlanter(random *rand.Rand, alien pair) *planter {
	return &planter{victim: b, random: random, user: "mallory-" + b.user, jar: NewJar(time.Now, false), alien: alien}
}

// live plants one thing after the other, each for a while, and again whenever it has been
// removed. It begins before the user has signed in.
func (p *planter) live(ctx context.Context) {
	pace := p.victim.crowd.cfg.Pace / 2
	for n := p.random.IntN(len(plants)); ; n++ {
		p.tend(ctx)
		for range 12 {
			p.plant(plants[n%len(plants)])
			if !pause(ctx, p.random, pace) {
				p.victim.jar.Weed()
				return
			}
		}
		p.victim.jar.Weed()
	}
}

// tend keeps a session of the planter's own, and what that leaves behind.
func (p *planter) tend(ctx context.Context) {
	b := p.victim
	b.gate.RLock()
	if own := (pair{b.jar.Access(), b.jar.Refresh()}); own.refresh != "" && p.random.IntN(2) == 0 {
		p.left = own
	}
	b.gate.RUnlock()
	if had := p.own(); had.refresh != "" {
		p.ask(ctx, RefreshPath)
		p.old = had
	}
	if had := p.own(); had.refresh != "" && p.random.IntN(3) == 0 {
		p.ask(ctx, SignOutPath)
		if p.jar.Refresh() == "" { // else it may live
			p.dead = had
		}
	}
	if p.jar.Refresh() == "" { // or the user's sign-in has ended it
		p.ask(ctx, "/login?user="+p.user)
		p.old = p.own()
		p.ask(ctx, RefreshPath)
	}
}

func (p *planter) own() pair { return pair{p.jar.Access(), p.jar.Refresh()} }

func (p *planter) ask(ctx context.Context, path string) {
	b := p.victim
	p.jar.Take(b.crowd.exchange(ctx, b.instances[p.random.IntN(len(b.instances))], p.jar.Request(http.MethodPost, path)))
}

// plant sets the cookies of one kind.
func (p *planter) plant(kind string) {
	own := p.own()
	switch kind {
	case "junk":
		text := []string{"x", "..", "a.b.c", strings.Repeat("A", 3000), "\xff"}[p.random.IntN(5)]
		p.put(kind, pair{text, text})
	case "dead":
		p.put(kind, p.dead)
	case oldPair:
		p.put(kind, p.old)
	case "alien":
		p.put(kind, p.alien)
	case "leftover":
		p.put(kind, p.left)
	case "own access":
		p.put(kind, pair{access: own.access})
	case "own refresh":
		p.put(kind, pair{refresh: own.refresh})
	case ownPair:
		p.put(kind, own)
	case "many":
		for i, path := range []string{"/auth", "/auth/session", "/auth/signout", "/me", "/strict", "/data"} {
			p.putAt(kind, "example.com", path, accessName, []string{"junk", p.alien.access}[i%2])
			p.putAt(kind, Host, path, accessName, []string{p.alien.access, "junk"}[i%2])
		}
		for _, domain := range []string{"example.com", Host} {
			p.putAt(kind, domain, "/", refreshName, "junk")
			p.putAt(kind, domain, "/auth", refreshName, p.alien.refresh)
			p.putAt(kind, domain, RefreshPath, refreshName, p.alien.refresh)
		}
	}
}

// put sets tokens where they come before the own ones, or beside them.
func (p *planter) put(kind string, tokens pair) {
	domain := []string{"example.com", Host}[p.random.IntN(2)]
	path := []string{"/", "/me", "/data", "/strict", "/auth"}[p.random.IntN(5)]
	p.putAt(kind, domain, path, accessName, tokens.access)
	p.putAt(kind, domain, RefreshPath, accessName, tokens.access)
	p.putAt(kind, domain, RefreshPath, refreshName, tokens.refresh)
}

// putAt sets one cookie, or tries to where its name keeps other hosts out.
func (p *planter) putAt(kind, domain, path, name, value string) {
	if value == "" {
		return
	}
	host := "evil.example.com"
	if domain == Host {
		host = "evil." + Host
	}
	names := []string{name}
	if p.victim.crowd.cfg.Prefixed {
		names = map[string][]string{accessName: {"__Host-" + name, "__hOST-" + name}, refreshName: {"__Secure-" + name}}[name]
	}
	for _, name := range names {
		line := name + "=" + value + "; Domain=" + domain + "; Path=" + path + "; Secure; SameSite=None"
		if p.victim.jar.Plant(host, line, kind) && strings.HasPrefix(strings.ToLower(name), "__host-") {
			p.victim.crowd.tally.fail("the browser let %s plant %s", host, name)
		}
	}
}

// alienPair are tokens of a service of the same names with other keys.
func alienPair(t testing.TB) pair {
	t.Helper()
	svc, err := session.New(t.Context(), memstore.New(), session.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer svc.Close()
	tokens, err := svc.Create(t.Context(), "mallory")
	require.NoError(t, err)
	return pair{tokens.Access.Value, tokens.Refresh.Value}
}
