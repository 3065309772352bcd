// Package verify checks the access tokens of a service elsewhere, by its public keys.
// Who has them can sign nothing in.
//
//	v, err := verify.New(verify.Config{
//		Issuer: "https://app.example", Audience: "app",
//		JWKS: "https://app.example/.well-known/jwks.json",
//	})
//	who, err := v.Verify(ctx, bearer)
//
// It needs neither the service's database nor a secret, and runs no SQL. That service
// serves its keys by package jwks.
//
// So far it hears of no revocation: a token works until it expires. With Config.Feed
// and Config.Introspect, which are routes of package services, and with [Verifier.Run]
// it refuses the tokens of a session within Config.Within after its end. It never makes
// a refresh definite, so that a stolen refresh token gives itself away at the next
// refresh only.
package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/problems"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Config says whose tokens are good.
type Config struct {
	// Issuer is that service's, exactly, and Audience one of its Audiences: the name
	// of this service, if it is among them. Both are needed.
	Issuer, Audience string
	// JWKS is the address of its public keys: https, or http on the loopback interface.
	// No redirect is followed, here and below.
	JWKS string
	// Feed and Introspect are the addresses of its routes services.Feed and
	// services.Introspection. Feed names whom to ask about, Introspect answers, so they
	// go together; without them no revocation is heard of. Call Run.
	Feed, Introspect string
	// Within is how soon the end of a session is known: 500 ms to 60 s, default 2 s. It
	// takes four requests to Feed in that time.
	Within time.Duration
	// OnLag says what to do while Feed cannot be read.
	OnLag LagPolicy
	// Client makes the requests, so that it may bring the credential that the guard of
	// Feed and Introspect asks for; default one of its own. Each has five seconds at
	// most.
	Client *http.Client
	// Leeway is granted to the expiry for clocks that disagree: default 5 s.
	Leeway time.Duration
	// MaxStale is how long keys are used when no newer ones can be fetched: default
	// 24 h.
	MaxStale time.Duration
	// TokenCacheBytes is about how much memory verified tokens are remembered in:
	// default 16 MiB.
	TokenCacheBytes int64
	// Now is the clock; default time.Now. For tests.
	Now func() time.Time
}

// LagPolicy says what to do while the feed has not been read for longer than
// Config.Within. Before Run has read it for the first time, and after it has returned,
// every token is asked about, whatever the policy.
type LagPolicy uint8

const (
	// LagServe goes on by what is known, so that an outage of the other service is none
	// here: a session that ends meanwhile is served until the feed can be read again.
	LagServe LagPolicy = iota
	// LagAsk asks Introspect at every request: what that cannot answer gets an
	// [errors.ErrUnavailable].
	LagAsk
)

const (
	defaultWithin        = 2 * time.Second
	minWithin, maxWithin = 500 * time.Millisecond, time.Minute
)

func (c Config) check() error {
	var found problems.List
	if c.Issuer == "" || c.Audience == "" {
		found.Addf("Issuer and Audience are needed")
	}
	if !isSafe(c.JWKS) {
		found.Addf("JWKS is no https address")
	}
	if c.Leeway < 0 || c.Leeway > time.Minute || c.MaxStale < 0 || c.TokenCacheBytes < 0 {
		found.Addf("Leeway is not between 0 and 1 min, or MaxStale or TokenCacheBytes is negative")
	}
	switch {
	case c.Feed == "" && c.Introspect == "":
		if c.Within != 0 || c.OnLag != LagServe {
			found.Addf("Within and OnLag are for Feed and Introspect, which are not there")
		}
	case !isSafe(c.Feed) || !isSafe(c.Introspect):
		found.Addf("Feed and Introspect are not both https addresses: the one says whom to ask about, the other answers")
	}
	if c.Within != 0 && (c.Within < minWithin || c.Within > maxWithin) || c.OnLag > LagAsk {
		found.Addf("Within is not between 500 ms and 60 s, or OnLag is no policy")
	}
	return found.Err()
}

// Verifier verifies access tokens. It is safe for concurrent use. Make one with New.
type Verifier struct {
	cfg       Config
	audiences []string // the one of cfg
	keys      *source
	cache     *token.Cache[memo]
	ends      *ends // nil without Config.Feed
}

// New checks the configuration ([errors.ErrConfig] names every wrong field). It fetches
// nothing yet: the first token does, and Run.
func New(cfg Config) (*Verifier, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Leeway = cmp.Or(cfg.Leeway, 5*time.Second)
	cfg.MaxStale = cmp.Or(cfg.MaxStale, 24*time.Hour)
	cfg.TokenCacheBytes = cmp.Or(cfg.TokenCacheBytes, 16<<20)
	cfg.Within = cmp.Or(cfg.Within, defaultWithin)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	client := newClient(cfg.Client)
	v := &Verifier{
		cfg: cfg, audiences: []string{cfg.Audience}, cache: token.NewReadersCache[memo](cfg.TokenCacheBytes),
		keys: &source{url: cfg.JWKS, client: client, now: cfg.Now, maxStale: cfg.MaxStale},
	}
	if cfg.Feed != "" {
		v.ends = newEnds(cfg, client, v.keys)
	}
	return v, nil
}

// Verify returns what a token says, if it is authentic, for this audience, and has not
// expired. A token whose key is known is verified without waiting for anything; an
// unknown one waits for a fetch, for five seconds at most. With Config.Feed a token
// that something may have happened to waits for Config.Introspect, for two seconds at
// most.
//
// Errors: those of session.Service.Verify about tokens; [errors.ErrKeyUnknown] when
// there is no such key; [errors.ErrUnauthorised] when the session has ended;
// [errors.ErrUnavailable] when nobody can say: answer 503 then, and not 401.
//
// Keys are fetched once a minute at most, so that a token by a key that is new, or made
// up, may have to wait for up to a minute for its answer: it gets an
// [errors.ErrUnavailable] that is an ErrKeyUnknown too. Anybody can bring that about by
// ids of his own. Count these apart, and alert on the other ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, text string) (*Token, error) {
	keys := func(kid string, _ int64) (token.Key, error) { return v.keys.find(ctx, kid, text) }
	access, m, err := v.cache.ParseAccess(text, keys, token.Expect{
		Issuer: v.cfg.Issuer, Audiences: v.audiences, Now: v.cfg.Now().UnixMilli(), Leeway: v.cfg.Leeway,
	})
	if err == nil && v.ends != nil {
		access, err = v.ends.current(ctx, text, access, m)
	}
	if err != nil {
		return nil, err
	}
	return &Token{access: access}, nil
}

// Run reads Config.Feed until ctx ends, and tries again for as long as that fails. Run
// it in a goroutine of its own; without a Feed, and while another call runs, it returns
// at once.
func (v *Verifier) Run(ctx context.Context) {
	if v.ends != nil {
		v.ends.run(ctx)
	}
}

// RevocationLag is how old the knowledge of ended sessions is: the time since the
// newest good look at Config.Feed was begun, or since New. Up to Config.Within is as
// promised. It is for alerts, and not for readiness checks. Without a Feed it is 0.
func (v *Verifier) RevocationLag() time.Duration {
	if v.ends == nil {
		return 0
	}
	return v.ends.feed.Lag()
}

// Token is what an authentic access token says. It shows nothing of it in logs.
type Token struct {
	hidden
	access *token.Access
}

type hidden = redact.As[tokenText]

type tokenText struct{}

func (tokenText) String() string { return "[verified token]" }

// UserID is the user's.
func (t *Token) UserID() string { return t.access.UserID }

// Handle names the session. It is no credential.
func (t *Token) Handle() string { return t.access.Handle }

// ExpiresAt is when the token ends.
func (t *Token) ExpiresAt() time.Time { return time.Unix(t.access.ExpiresAt, 0) }

// AuthTime is when the user proved last who it is.
func (t *Token) AuthTime() time.Time { return time.Unix(t.access.AuthTime, 0) }

// Level is how sure the application is of the user, 0 if it did not say.
func (t *Token) Level() int { return t.access.Level }

// Methods are those by which the user proved who it is, words of RFC 8176.
func (t *Token) Methods() []string { return strings.Fields(t.access.AMR) }

// Payload reads the application's value into dst, as json.Unmarshal does. Without one
// dst is left alone.
func (t *Token) Payload(dst any) error {
	if len(t.access.Payload) == 0 {
		return nil
	}
	if err := json.Unmarshal(t.access.Payload, dst); err != nil {
		return errors.WithReason(errors.ErrInvalidInput, err)
	}
	return nil
}
