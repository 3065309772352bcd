// Package verify checks the access tokens of a service elsewhere, by its public keys.
// Who has them can sign nothing in.
//
//	v, err := verify.New(verify.Config{
//		Issuer: "https://app.example", Audience: "app",
//		JWKS: "https://app.example/.well-known/jwks.json",
//	})
//	who, err := v.Verify(ctx, bearer)
//
// It needs neither the service's database nor a secret, and runs no SQL. So it hears of
// no revocation: a token works until it expires. That service serves its keys by
// package jwks.
package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
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
	// No redirect is followed.
	JWKS string
	// Client fetches the keys, so that it may bring a credential; default one of its
	// own. A fetch has five seconds in any case.
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

// Verifier verifies access tokens. It is safe for concurrent use. Make one with New.
type Verifier struct {
	cfg Config
	// audiences holds the one of cfg.
	audiences []string
	keys      *source
	cache     *token.Cache[struct{}]
}

// New checks the configuration ([errors.ErrConfig] names every wrong field). It fetches
// nothing yet: the first token does.
func New(cfg Config) (*Verifier, error) {
	var found problems.List
	if cfg.Issuer == "" || cfg.Audience == "" {
		found.Addf("Issuer and Audience are needed")
	}
	if u, err := url.Parse(cfg.JWKS); err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		found.Addf("JWKS is no https address")
	}
	if cfg.Leeway < 0 || cfg.Leeway > time.Minute || cfg.MaxStale < 0 || cfg.TokenCacheBytes < 0 {
		found.Addf("Leeway is not between 0 and 1 min, or MaxStale or TokenCacheBytes is negative")
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	cfg.Leeway = cmp.Or(cfg.Leeway, 5*time.Second)
	cfg.MaxStale = cmp.Or(cfg.MaxStale, 24*time.Hour)
	cfg.TokenCacheBytes = cmp.Or(cfg.TokenCacheBytes, 16<<20)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	client := http.Client{}
	if cfg.Client != nil {
		client = *cfg.Client
	}
	// Whoever can make that address redirect would choose the keys.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Verifier{
		cfg: cfg, audiences: []string{cfg.Audience}, cache: token.NewCache[struct{}](cfg.TokenCacheBytes),
		keys: &source{url: cfg.JWKS, client: &client, now: cfg.Now, maxStale: cfg.MaxStale},
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Verify returns what a token says, if it is authentic, for this audience, and has not
// expired. A token whose key is known is verified without waiting for anything; an
// unknown one waits for a fetch, for five seconds at most.
//
// Errors: those of session.Service.Verify about tokens; [errors.ErrKeyUnknown] when
// there is no such key; [errors.ErrUnavailable] when nobody can say: answer 503 then,
// and not 401.
func (v *Verifier) Verify(ctx context.Context, text string) (*Token, error) {
	keys := func(kid string, _ int64) (token.Key, error) { return v.keys.find(ctx, kid) }
	access, _, err := v.cache.ParseAccess(text, keys, token.Expect{
		Issuer: v.cfg.Issuer, Audiences: v.audiences, Now: v.cfg.Now().UnixMilli(), Leeway: v.cfg.Leeway,
	})
	if err != nil {
		return nil, err
	}
	return &Token{access: access}, nil
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
