package verify_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/services"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/verify"
)

const within = 2 * time.Second

// network is a service, with its routes for others, as one verifier reaches it.
type network struct {
	svc   *session.Service
	store *memstore.Store
	v     *verify.Verifier
	mux   *http.ServeMux
	stop  func()

	mu     sync.Mutex
	counts map[string]int
	// answers, by path, stand in for the service's.
	answers map[string]answer
	// delay is what each way takes.
	delay func() time.Duration
}

func open(next http.Handler) http.Handler { return next }

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.counts[r.URL.Path]++
	answer, delay := n.answers[r.URL.Path], n.delay
	n.mu.Unlock()
	travel := func() error {
		if delay == nil {
			return nil
		}
		select {
		case <-time.After(delay()):
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	if err := travel(); err != nil {
		return nil, err
	}
	if answer != nil {
		return answer(r)
	}
	rec := httptest.NewRecorder()
	n.mux.ServeHTTP(rec, r)
	if err := travel(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

// count is how often a path was asked since the last count.
func (n *network) count(path string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := n.counts[path]
	n.counts[path] = 0
	return count
}

// breaks has paths answer so; nil mends them.
func (n *network) breaks(a answer, paths ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, path := range paths {
		n.answers[path] = a
	}
}

func newService(t *testing.T, store session.Store, change ...func(*session.Config)) *session.Service {
	t.Helper()
	cfg := session.Config{
		Issuer: issuer, Audiences: []string{audience}, SigningKey: session.SigningKeyConfig{Algorithm: session.ES256},
		Revocation: session.RevokeSoon, AccessTokenValidity: 4 * time.Hour, Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	svc, err := session.New(t.Context(), store, cfg)
	require.NoError(t, err)
	return svc
}

// soon runs f in a bubble with a verifier that hears of revocations.
func soon(t *testing.T, f func(t *testing.T, n *network), change ...func(*verify.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{store: memstore.New(), mux: http.NewServeMux(), counts: map[string]int{}, answers: map[string]answer{}}
		n.svc = newService(t, n.store)
		defer n.svc.Close()
		n.mux.Handle("/jwks", jwks.Handler(n.svc))
		n.mux.Handle("/feed", services.Feed(n.svc, open))
		n.mux.Handle("/introspect", services.Introspection(n.svc, open))
		cfg := verify.Config{
			Issuer: issuer, Audience: audience, JWKS: address,
			Feed: "https://app.example/feed", Introspect: "https://app.example/introspect", Client: &http.Client{Transport: n},
		}
		for _, c := range change {
			c(&cfg)
		}
		var err error
		n.v, err = verify.New(cfg)
		require.NoError(t, err)
		n.start(t)
		defer func() { n.stop() }()
		time.Sleep(within)
		f(t, n)
	})
}

// start has the verifier run, until stop.
func (n *network) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		n.v.Run(ctx)
	}()
	n.stop = func() {
		cancel()
		<-over
	}
}

func (n *network) create(t *testing.T, user string, opts ...session.CreateOption) *session.Tokens {
	t.Helper()
	tokens, err := n.svc.Create(t.Context(), user, opts...)
	require.NoError(t, err)
	return tokens
}

// serves reports whether the verifier lets a token pass.
func (n *network) serves(t *testing.T, text string) bool {
	t.Helper()
	_, err := n.v.Verify(t.Context(), text)
	if err != nil {
		require.ErrorIs(t, err, errors.ErrUnauthorised)
	}
	return err == nil
}

// Whoever ends a session in whatever way: within two seconds it is not served here
// either, and nobody else is asked about.
func TestEnds_everyWriter(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, n *network, victim *session.Tokens) error{
		"Revoke": func(t *testing.T, n *network, victim *session.Tokens) error {
			_, err := n.svc.Revoke(t.Context(), victim.Session.Handle())
			return err
		},
		"RevokeAll": func(t *testing.T, n *network, _ *session.Tokens) error {
			_, err := n.svc.RevokeAll(t.Context(), "ada")
			return err
		},
		"RevokeWhere": func(t *testing.T, n *network, _ *session.Tokens) error {
			_, err := n.svc.RevokeWhere(t.Context(), session.Filter{Users: []string{"ada"}})
			return err
		},
		"RevokeToken": func(t *testing.T, n *network, victim *session.Tokens) error {
			return n.svc.RevokeToken(t.Context(), victim.Refresh.Value)
		},
		"sign-out": func(t *testing.T, _ *network, victim *session.Tokens) error {
			return victim.Session.Revoke(t.Context())
		},
		"theft": func(t *testing.T, n *network, victim *session.Tokens) error {
			next, err := n.svc.Refresh(t.Context(), victim.Refresh.Value)
			require.NoError(t, err)
			_, _, err = n.svc.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
			require.NoError(t, err)
			_, err = n.svc.Refresh(t.Context(), victim.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrTokenTheft)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			soon(t, func(t *testing.T, n *network) {
				victim, bystander := n.create(t, "ada"), n.create(t, "bob")
				require.True(t, n.serves(t, victim.Access.Value))
				require.True(t, n.serves(t, bystander.Access.Value))
				require.Zero(t, n.count("/introspect"), "nothing happened")
				require.NoError(t, end(t, n, victim))
				time.Sleep(within)
				require.False(t, n.serves(t, victim.Access.Value))
				require.Equal(t, 1, n.count("/introspect"))
				require.True(t, n.serves(t, bystander.Access.Value))
				require.Zero(t, n.count("/introspect"), "nobody hinted at that one")
			})
		})
	}
}

// RevokeEverything ends all, and who signs in afterwards is asked about for a while.
func TestEnds_everything(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		before := n.create(t, "ada")
		_, err := n.svc.RevokeEverything(t.Context())
		require.NoError(t, err)
		time.Sleep(within)
		after := n.create(t, "ada")
		require.False(t, n.serves(t, before.Access.Value))
		require.True(t, n.serves(t, after.Access.Value))
		time.Sleep(5 * time.Minute)
		require.True(t, n.serves(t, after.Access.Value))
		n.count("/introspect")
		for range 100 {
			require.True(t, n.serves(t, after.Access.Value))
		}
		require.Zero(t, n.count("/introspect"), "it has settled")
	})
}

// A live token that was asked about is not asked about with every request, and once the
// hint has settled never again; whether it was promoted does not matter here.
func TestEnds_asksOnce(t *testing.T) {
	t.Parallel()
	for name, promoted := range map[string]bool{"promoted": true, "unpromoted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			soon(t, func(t *testing.T, n *network) {
				tokens := n.create(t, "ada")
				if !promoted {
					var err error
					tokens, err = n.svc.Refresh(t.Context(), tokens.Refresh.Value)
					require.NoError(t, err)
				}
				_, err := n.svc.RevokeOthers(t.Context(), "ada", tokens.Session.Handle())
				require.NoError(t, err)
				time.Sleep(within)
				for range 100 {
					require.True(t, n.serves(t, tokens.Access.Value))
				}
				require.Equal(t, 1, n.count("/introspect"))
				time.Sleep(time.Minute + within)
				for range 100 {
					require.True(t, n.serves(t, tokens.Access.Value))
					time.Sleep(time.Second)
				}
				require.Equal(t, 1, n.count("/introspect"), "the hint has settled")
			})
		})
	}
}

// A thief who goes on with a revoked token has it asked about four times in Within.
func TestEnds_refusedIsRemembered(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		tokens := n.create(t, "ada")
		_, err := n.svc.Revoke(t.Context(), tokens.Session.Handle())
		require.NoError(t, err)
		time.Sleep(within)
		for range 1000 {
			require.False(t, n.serves(t, tokens.Access.Value))
			time.Sleep(10 * time.Millisecond)
		}
		require.LessOrEqual(t, n.count("/introspect"), 21)
	})
}

// The row of a revocation may be written up to a minute after its hint.
func TestEnds_rowAfterTheHint(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		tokens := n.create(t, "ada")
		handle := tokens.Session.Handle()
		require.NoError(t, n.store.WriteHint(t.Context(), models.Hint{ID: models.HintID{1}, Kind: models.HintSession, Subject: handle}))
		for range 50 {
			require.True(t, n.serves(t, tokens.Access.Value))
			time.Sleep(time.Second)
		}
		ended, err := n.store.Revoke(t.Context(), models.Revocation{
			Handle: handle, Reason: models.RevokedByApplication, Now: time.Now().UnixMilli(),
		})
		require.NoError(t, err)
		require.True(t, ended)
		time.Sleep(within)
		require.False(t, n.serves(t, tokens.Access.Value))
	})
}

// What was changed in the row is what the old token shows, again and again.
func TestEnds_payloadAndLevel(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		tokens := n.create(t, "ada", session.WithPayload(map[string]any{"plan": "free"}), session.Level(2), session.Authenticated("pwd", "otp"))
		show := func() (plan string, level int) {
			who, err := n.v.Verify(t.Context(), tokens.Access.Value)
			require.NoError(t, err)
			require.Equal(t, []string{"pwd", "otp"}, who.Methods())
			var payload struct{ Plan string }
			require.NoError(t, who.Payload(&payload))
			return payload.Plan, who.Level()
		}
		plan, level := show()
		require.Equal(t, "free", plan)
		require.Equal(t, 2, level)
		require.NoError(t, n.svc.MergePayload(t.Context(), tokens.Session.Handle(), map[string]any{"plan": "pro <&>"}))
		_, err := n.svc.Downgrade(t.Context(), "ada", 1)
		require.NoError(t, err)
		time.Sleep(within)
		for range 100 {
			plan, level = show()
			require.Equal(t, "pro <&>", plan)
			require.Equal(t, 1, level)
			time.Sleep(3 * time.Second)
		}
	})
}

// After RefetchClaims a token of that user is asked about once, and once more when the
// hint has settled; nobody else's is, whatever was told before Run.
func TestEnds_claims(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		tokens, bystander := n.create(t, "ada"), n.create(t, "bob")
		require.True(t, n.serves(t, tokens.Access.Value))
		require.NoError(t, n.svc.RefetchClaims(t.Context(), "ada"))
		time.Sleep(within)
		for range 10 {
			require.True(t, n.serves(t, tokens.Access.Value))
			require.True(t, n.serves(t, bystander.Access.Value))
		}
		require.Equal(t, 1, n.count("/introspect"))
		time.Sleep(2 * time.Minute)
		for range 10 {
			require.True(t, n.serves(t, tokens.Access.Value))
			require.True(t, n.serves(t, bystander.Access.Value))
		}
		require.Equal(t, 1, n.count("/introspect"))
	})
}

// An outage of the feed signs nobody out. LagServe goes on, LagAsk asks, and what ended
// meanwhile is known when it is over.
func TestEnds_outage(t *testing.T) {
	t.Parallel()
	for _, policy := range []verify.LagPolicy{verify.LagServe, verify.LagAsk} {
		soon(t, func(t *testing.T, n *network) {
			tokens, victim := n.create(t, "ada"), n.create(t, "eve")
			require.True(t, n.serves(t, tokens.Access.Value))
			require.True(t, n.serves(t, victim.Access.Value))
			require.LessOrEqual(t, n.v.RevocationLag(), within)
			n.breaks(down, "/feed")
			time.Sleep(time.Minute)
			require.Greater(t, n.v.RevocationLag(), 58*time.Second)
			_, err := n.svc.Revoke(t.Context(), victim.Session.Handle())
			require.NoError(t, err)
			time.Sleep(within)
			require.True(t, n.serves(t, tokens.Access.Value))
			require.Equal(t, policy == verify.LagServe, n.serves(t, victim.Access.Value))

			n.breaks(down, "/introspect")
			_, err = n.v.Verify(t.Context(), tokens.Access.Value)
			if policy == verify.LagServe {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, errors.ErrUnavailable)
			}
			n.breaks(nil, "/feed", "/introspect")
			time.Sleep(within)
			require.LessOrEqual(t, n.v.RevocationLag(), within)
			require.True(t, n.serves(t, tokens.Access.Value))
			require.False(t, n.serves(t, victim.Access.Value))
		}, func(c *verify.Config) { c.OnLag = policy })
	}
}

// Nothing is served unasked by a verifier that does not read the feed: before Run, while
// Run has not read it for the first time, and after Run.
func TestEnds_withoutRun(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		tokens, victim := n.create(t, "ada"), n.create(t, "eve")
		require.True(t, n.serves(t, tokens.Access.Value))
		require.Zero(t, n.count("/introspect"))
		again := make(chan struct{})
		go func() {
			defer close(again)
			n.v.Run(t.Context())
		}()
		<-again // one runs already

		n.stop()
		require.True(t, n.serves(t, tokens.Access.Value))
		require.Equal(t, 1, n.count("/introspect"))
		_, err := n.svc.Revoke(t.Context(), victim.Session.Handle())
		require.NoError(t, err)
		require.False(t, n.serves(t, victim.Access.Value), "at once")
		n.breaks(down, "/introspect")
		_, err = n.v.Verify(t.Context(), tokens.Access.Value)
		require.ErrorIs(t, err, errors.ErrUnavailable)

		n.breaks(down, "/feed")
		n.start(t)
		time.Sleep(time.Minute)
		require.Less(t, n.count("/feed"), 30, "it tries less and less often")
		_, err = n.v.Verify(t.Context(), tokens.Access.Value)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		n.breaks(nil, "/feed", "/introspect")
		time.Sleep(8 * time.Second)
		n.count("/introspect")
		require.False(t, n.serves(t, victim.Access.Value), "what happened while nobody read")
		for range 10 {
			require.True(t, n.serves(t, tokens.Access.Value))
		}
	})
}

// Answers that are none end no session and open none; each is bounded.
func TestEnds_badAnswers(t *testing.T) {
	t.Parallel()
	body := func(status int, text string) answer {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://evil.example/"}}, Body: io.NopCloser(strings.NewReader(text))}, nil
		}
	}
	for name, bad := range map[string]answer{
		"down":              down,
		"refused":           body(401, `{"active":true}`),
		"status 500":        body(500, `{"active":true}`),
		"a redirect":        body(307, `{"active":true}`),
		"no JSON":           body(200, `<html>`),
		"nothing":           body(200, ``),
		"not said":          body(200, `{}`),
		"of another type":   body(200, `{"active":"true"}`),
		"no subject":        body(200, `{"active":true}`),
		"another's session": body(200, `{"active":true,"sub":"ada","sid":"another"}`),
		"too large":         body(200, `{"active":false,"x":"`+strings.Repeat("x", 64<<10)+`"}`),
		"hangs": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"a bad level":  nil, // below, as these name the session
		"another user": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			soon(t, func(t *testing.T, n *network) {
				tokens := n.create(t, "ada")
				switch name {
				case "a bad level":
					bad = body(200, fmt.Sprintf(`{"active":true,"sub":"ada","sid":%q,"acr":"99"}`, tokens.Session.Handle()))
				case "another user":
					bad = body(200, fmt.Sprintf(`{"active":true,"sub":"eve","sid":%q}`, tokens.Session.Handle()))
				}
				_, err := n.svc.RevokeOthers(t.Context(), "ada", tokens.Session.Handle())
				require.NoError(t, err)
				time.Sleep(within)
				n.breaks(bad, "/introspect")
				before := time.Now()
				_, err = n.v.Verify(t.Context(), tokens.Access.Value)
				require.ErrorIs(t, err, errors.ErrUnavailable)
				require.LessOrEqual(t, time.Since(before), 2*time.Second)
				n.breaks(nil, "/introspect")
				require.True(t, n.serves(t, tokens.Access.Value))

				n.breaks(bad, "/feed")
				time.Sleep(10 * time.Second)
				require.Greater(t, n.v.RevocationLag(), 9*time.Second, "it is no page of the feed")
				n.breaks(nil, "/feed")
				time.Sleep(6 * time.Second)
				require.LessOrEqual(t, n.v.RevocationLag(), within)
			})
		})
	}
}

// A token is shown to the introspection route in a body, and to no other address.
func TestEnds_whereTokensGo(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		tokens := n.create(t, "ada")
		var mu sync.Mutex
		var seen []string
		watch := func(r *http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			var text strings.Builder
			_ = r.Write(&text)
			mu.Lock()
			seen = append(seen, text.String())
			mu.Unlock()
			http.Redirect(rec, r, "https://evil.example/", http.StatusTemporaryRedirect)
			return rec.Result(), nil
		}
		require.True(t, n.serves(t, tokens.Access.Value)) // it has the keys
		_, err := n.svc.RevokeOthers(t.Context(), "ada", tokens.Session.Handle())
		require.NoError(t, err)
		time.Sleep(within)
		n.breaks(watch, "/introspect", "/feed", "/jwks")
		time.Sleep(10 * time.Minute)
		_, err = n.v.Verify(t.Context(), tokens.Access.Value)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		shown := 0
		for _, request := range seen {
			head, form, _ := strings.Cut(request, "\r\n\r\n")
			require.Contains(t, head, "Host: app.example")
			require.NotContains(t, head, tokens.Access.Value)
			if strings.Contains(form, tokens.Access.Value) {
				require.Contains(t, head, "POST /introspect ")
				shown++
			}
		}
		require.Equal(t, 1, shown)
		require.Greater(t, len(seen), 100)
	})
}

func TestNew_feedConfiguration(t *testing.T) {
	t.Parallel()
	good := verify.Config{Issuer: "i", Audience: "a", JWKS: address, Feed: "https://app.example/feed", Introspect: "http://localhost:8080/introspect"}
	v, err := verify.New(good)
	require.NoError(t, err)
	require.GreaterOrEqual(t, v.RevocationLag(), time.Duration(0))
	for name, change := range map[string]func(*verify.Config){
		"no introspection":     func(c *verify.Config) { c.Introspect = "" },
		"no feed":              func(c *verify.Config) { c.Feed = "" },
		"neither, and a bound": func(c *verify.Config) { c.Feed, c.Introspect, c.Within = "", "", within },
		"neither, and a mode":  func(c *verify.Config) { c.Feed, c.Introspect, c.OnLag = "", "", verify.LagAsk },
		"a feed in clear":      func(c *verify.Config) { c.Feed = "http://app.example/feed" },
		"a question in clear":  func(c *verify.Config) { c.Introspect = "http://app.example/introspect" },
		"too soon":             func(c *verify.Config) { c.Within = 499 * time.Millisecond },
		"too late":             func(c *verify.Config) { c.Within = time.Minute + 1 },
		"no policy":            func(c *verify.Config) { c.OnLag = 2 },
	} {
		cfg := good
		change(&cfg)
		_, err := verify.New(cfg)
		require.ErrorIs(t, err, errors.ErrConfig, name)
	}
	v, err = verify.New(verify.Config{Issuer: "i", Audience: "a", JWKS: address})
	require.NoError(t, err)
	v.Run(t.Context()) // there is nothing to do
	require.Zero(t, v.RevocationLag())
}

// A retired key is fetched anew at once, whatever was spent on unknown ids, and its
// successor's tokens are good from then on.
func TestKeys_retired(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		old := n.create(t, "ada").Access.Value
		require.True(t, n.serves(t, old))
		stranger := newService(t, memstore.New())
		tokens, err := stranger.Create(t.Context(), "eve")
		require.NoError(t, err)
		stranger.Close()
		time.Sleep(2 * time.Minute)
		unknown := func() {
			_, err := n.v.Verify(t.Context(), tokens.Access.Value)
			require.ErrorIs(t, err, errors.ErrKeyUnknown)
		}
		unknown()
		require.Equal(t, 2, n.count("/jwks"), "the first, and one for the unknown id")

		require.NoError(t, n.svc.RetireKey(t.Context(), kid(t, old)))
		next := n.create(t, "ada").Access.Value
		require.NotEqual(t, kid(t, old), kid(t, next))
		unknown()
		time.Sleep(within)
		require.True(t, n.serves(t, next))
		_, err = n.v.Verify(t.Context(), old)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
		for range 100 {
			unknown()
			require.True(t, n.serves(t, next))
		}
		time.Sleep(30 * time.Second)
		require.Equal(t, 1, n.count("/jwks"))
	})
}

// The keys are fetched again until an answer is without the retired one: an instance
// may not have heard, and a cache does not.
func TestKeys_retiredElsewhere(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		old := n.create(t, "ada").Access.Value
		require.True(t, n.serves(t, old))
		rec := httptest.NewRecorder()
		jwks.Handler(n.svc).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))
		stale := rec.Body.String()
		n.breaks(func(r *http.Request) (*http.Response, error) {
			require.Equal(t, "no-cache", r.Header.Get("Cache-Control"))
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Cache-Control": {"max-age=135"}}, Body: io.NopCloser(strings.NewReader(stale))}, nil
		}, "/jwks")
		require.NoError(t, n.svc.RetireKey(t.Context(), kid(t, old)))
		next := n.create(t, "ada").Access.Value
		n.count("/jwks")
		time.Sleep(21 * time.Second)
		require.Equal(t, 5, n.count("/jwks"), "every five seconds")
		n.breaks(nil, "/jwks")
		time.Sleep(6 * time.Second)
		require.True(t, n.serves(t, next))
		_, err := n.v.Verify(t.Context(), old)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
		time.Sleep(time.Minute)
		require.LessOrEqual(t, n.count("/jwks"), 2)
	})
}

// A hint about a key that no answer ever drops costs two dozen fetches.
func TestKeys_retiredNever(t *testing.T) {
	t.Parallel()
	soon(t, func(t *testing.T, n *network) {
		text := n.create(t, "ada").Access.Value
		require.True(t, n.serves(t, text))
		n.count("/jwks")
		for i := range 300 { // somebody writes into the feed
			require.NoError(t, n.store.WriteHint(t.Context(), models.Hint{ID: models.HintID{1, byte(i), byte(i >> 8)}, Kind: models.HintKey, Subject: fmt.Sprint("k", i)}))
		}
		require.NoError(t, n.store.WriteHint(t.Context(), models.Hint{ID: models.HintID{2}, Kind: models.HintKey, Subject: kid(t, text)}))
		time.Sleep(10 * time.Minute)
		require.LessOrEqual(t, n.count("/jwks"), 25)
		require.True(t, n.serves(t, text), "a hint decides nothing")
	})
}

// A key that leaked and was retired is good for nothing within Within, though no newer
// keys can be fetched: its tokens are asked about, and for as long as that lasts.
func TestKeys_retiredWhileKeysAreAway(t *testing.T) {
	soon(t, func(t *testing.T, n *network) {
		old := n.create(t, "ada").Access.Value
		require.True(t, n.serves(t, old))
		require.NoError(t, n.svc.RetireKey(t.Context(), kid(t, old)))
		n.breaks(down, "/jwks")
		time.Sleep(within)
		require.False(t, n.serves(t, old))
		time.Sleep(3 * time.Hour)
		require.False(t, n.serves(t, old))
	})
}
