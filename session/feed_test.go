package session_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const within = 2 * time.Second

// process is one of several on one store, by the clock of a synctest bubble.
type process struct {
	*session.Service
	store *storetest.FaultyStore

	mu     sync.Mutex
	events []session.Event
}

// start runs a process that revokes soon. Its clock may be wrong.
func start(t *testing.T, store session.Store, change ...func(*session.Config)) *process {
	t.Helper()
	p := &process{store: storetest.Faulty(store)}
	cfg := session.Config{
		Logger: slog.New(slog.DiscardHandler), Revocation: session.RevokeSoon,
		OnEvent: func(e session.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, e)
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	svc, err := session.New(t.Context(), p.store, cfg)
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	p.Service = svc
	return p
}

func (p *process) count(kind session.EventKind) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// verifies reports whether the process serves the tokens.
func (p *process) verifies(t *testing.T, tokens *session.Tokens, opts ...session.VerifyOption) bool {
	t.Helper()
	_, _, err := p.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF, opts...)
	if err != nil {
		require.ErrorIs(t, err, errors.ErrUnauthorised)
	}
	return err == nil
}

func (p *process) create(t *testing.T, user string) *session.Tokens {
	t.Helper()
	tokens, err := p.Create(t.Context(), user)
	require.NoError(t, err)
	return tokens
}

func off(by time.Duration) func(*session.Config) {
	return func(cfg *session.Config) { cfg.Now = func() time.Time { return time.Now().Add(by) } }
}

// slow polls seldom, for tests that take days.
func slow(cfg *session.Config) { cfg.Feed.Within = time.Minute }

// Whoever ends a session in whatever way: within two seconds no process serves it, and
// nobody else is bothered.
func TestRevokeSoon_everyWriter(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	writers := map[string]func(*testing.T, *process, *session.Tokens){
		"Revoke": func(t *testing.T, p *process, victim *session.Tokens) {
			ended, err := p.Revoke(ctx, victim.Session.Handle())
			require.NoError(t, err)
			require.True(t, ended)
		},
		"RevokeOf": func(t *testing.T, p *process, victim *session.Tokens) {
			ended, err := p.RevokeOf(ctx, "ada", victim.Session.Handle())
			require.NoError(t, err)
			require.True(t, ended)
		},
		"RevokeAll": func(t *testing.T, p *process, _ *session.Tokens) {
			n, err := p.RevokeAll(ctx, "ada")
			require.NoError(t, err)
			require.Equal(t, 1, n)
		},
		"RevokeOthers": func(t *testing.T, p *process, _ *session.Tokens) {
			kept := p.create(t, "ada")
			n, err := p.RevokeOthers(ctx, "ada", kept.Session.Handle())
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.True(t, p.verifies(t, kept))
		},
		"Session.Revoke": func(t *testing.T, _ *process, victim *session.Tokens) {
			require.NoError(t, victim.Session.Revoke(ctx))
		},
		"theft": func(t *testing.T, p *process, victim *session.Tokens) {
			first, err := p.Refresh(ctx, victim.Refresh.Value)
			require.NoError(t, err)
			_, _, err = p.Verify(ctx, first.Access.Value, first.AntiCSRF)
			require.NoError(t, err)
			_, err = p.Refresh(ctx, victim.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrTokenTheft)
		},
	}
	for name, end := range writers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New()
				here, there := start(t, store), start(t, store, off(-time.Minute))
				victim, bystander := there.create(t, "ada"), here.create(t, "bob")
				require.True(t, here.verifies(t, victim))
				require.True(t, there.verifies(t, victim))

				end(t, here, victim)
				if name != "Session.Revoke" { // by a session of the other process
					require.False(t, here.verifies(t, victim), "its own process knows at once")
				}
				time.Sleep(within)
				require.False(t, there.verifies(t, victim))

				there.store.Arm()
				require.True(t, there.verifies(t, bystander))
				require.Zero(t, there.store.Counts()["Find"], "nobody hinted at that one")
			})
		})
	}
}

// A token that was asked about is not asked about with every request, and once the hint
// has settled never again.
func TestRevokeSoon_asksOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		tokens := there.create(t, "ada")
		_, err := here.RevokeOthers(t.Context(), "ada", tokens.Session.Handle())
		require.NoError(t, err)
		time.Sleep(within)

		there.store.Arm()
		for range 100 {
			require.True(t, there.verifies(t, tokens))
		}
		require.Equal(t, 1, there.store.Counts()["Find"])

		time.Sleep(time.Minute + within)
		there.store.Arm()
		for range 100 {
			require.True(t, there.verifies(t, tokens))
			time.Sleep(time.Second)
		}
		require.Equal(t, 1, there.store.Counts()["Find"], "the hint has settled")
	})
}

// A revocation whose row is written long after its hint, by a process that is slow.
func TestRevokeSoon_rowAfterTheHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		p := start(t, store)
		tokens := p.create(t, "ada")
		handle := tokens.Session.Handle()
		require.NoError(t, store.WriteHint(t.Context(), models.Hint{ID: models.HintID{1}, Kind: models.HintSession, Subject: handle}))
		for range 50 {
			require.True(t, p.verifies(t, tokens))
			time.Sleep(time.Second)
		}
		ended, err := store.Revoke(t.Context(), models.Revocation{
			Handle: handle, Reason: models.RevokedByApplication, Now: time.Now().UnixMilli(),
		})
		require.NoError(t, err)
		require.True(t, ended)
		time.Sleep(within)
		require.False(t, p.verifies(t, tokens))
	})
}

// An outage of the database signs nobody out, and tells.
func TestRevokeSoon_lag(t *testing.T) {
	t.Parallel()
	for _, policy := range []session.LagPolicy{session.LagServe, session.LagAsk} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, memstore.New(), func(cfg *session.Config) { cfg.Feed.OnLag = policy })
			tokens := p.create(t, "ada")
			require.True(t, p.verifies(t, tokens))
			time.Sleep(10 * time.Second)
			require.LessOrEqual(t, p.RevocationLag(), within)

			p.store.Arm(storetest.Fault{})
			time.Sleep(30 * time.Second)
			require.Greater(t, p.RevocationLag(), 29*time.Second)
			require.Equal(t, 1, p.count(session.EventFeedLagging))
			_, _, err := p.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
			if policy == session.LagServe {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, errors.ErrUnavailable)
			}

			p.store.Arm()
			time.Sleep(within)
			require.Equal(t, 1, p.count(session.EventFeedCaughtUp))
			require.True(t, p.verifies(t, tokens))
		})
	}
}

// A session has ended also where the others could not be told; the caller learns of
// that, and a repeat tells them.
func TestRevokeSoon_hintFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		one, other := there.create(t, "ada"), there.create(t, "ada")
		here.store.Arm(storetest.Fault{Method: "WriteHint"})
		ended, err := here.Revoke(t.Context(), one.Session.Handle())
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.True(t, ended)
		n, err := here.RevokeAll(t.Context(), "ada")
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.Equal(t, 1, n)
		time.Sleep(within)
		require.True(t, there.verifies(t, one), "it cannot know")

		here.store.Arm()
		_, err = here.RevokeOf(t.Context(), "ada", one.Session.Handle())
		require.NoError(t, err)
		_, err = here.RevokeAll(t.Context(), "ada")
		require.NoError(t, err)
		time.Sleep(within)
		require.False(t, there.verifies(t, one))
		require.False(t, there.verifies(t, other))
	})
}

// A handle that comes from a client makes no process write, unless it is the client's
// own.
func TestRevokeOf_foreignWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New())
		foreign := p.create(t, "bob").Session.Handle()
		for _, handle := range []string{foreign, "", "nonsense", "0123456789abcdefghjkmnpqrs"} {
			p.store.Arm()
			ended, err := p.RevokeOf(t.Context(), "ada", handle)
			require.NoError(t, err)
			require.False(t, ended)
			require.Empty(t, writes(p.store.Counts()), handle)
		}
	})
}

func writes(counts map[string]int) (list []string) {
	for method := range counts {
		if method != "Find" && method != "ReadFeed" && method != "Keys" {
			list = append(list, method)
		}
	}
	return list
}

// What another process changed in the payload, the next request shows.
func TestRevokeSoon_payloadByHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		tokens := there.create(t, "ada")
		require.True(t, there.verifies(t, tokens))
		require.NoError(t, here.MergePayload(t.Context(), tokens.Session.Handle(), map[string]any{"plan": "pro"}))
		time.Sleep(within)

		sess, replacement, err := there.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		require.NotNil(t, replacement)
		require.Equal(t, tokens.Access.ExpiresAt, replacement.ExpiresAt)
		var payload map[string]string
		require.NoError(t, sess.Payload(&payload))
		require.Equal(t, map[string]string{"plan": "pro"}, payload)

		_, again, err := there.Verify(t.Context(), replacement.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		require.Nil(t, again)
	})
}

// Whoever revokes tells those who listen, whatever its own mode; where nobody listens
// it costs nothing.
func TestFeed_onForAllThatStartLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		atExpiry := func(cfg *session.Config) { cfg.Revocation = session.RevokeAtExpiry }
		before := start(t, store, atExpiry)
		tokens := before.create(t, "ada")
		before.store.Arm()
		_, err := before.Revoke(t.Context(), before.create(t, "bob").Session.Handle())
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Insert": 1, "Revoke": 1}, before.store.Counts())

		listens := start(t, store)
		writes := start(t, store, atExpiry)
		require.Zero(t, writes.RevocationLag())
		_, err = writes.Revoke(t.Context(), tokens.Session.Handle())
		require.NoError(t, err)
		time.Sleep(within)
		require.False(t, listens.verifies(t, tokens))
		require.True(t, writes.verifies(t, tokens), "its own mode")
		require.NotContains(t, writes.store.Counts(), "ReadFeed")
	})
}

// revokedElsewhere is a process that revokes at expiry and reads the feed all the same,
// and a session of its own that another process has ended.
func revokedElsewhere(t *testing.T) (*process, *session.Tokens) {
	t.Helper()
	store := memstore.New()
	p := start(t, store, func(cfg *session.Config) {
		cfg.Revocation, cfg.Feed.Within = session.RevokeAtExpiry, within
	})
	tokens := p.create(t, "ada")
	_, err := start(t, store).Revoke(t.Context(), tokens.Session.Handle())
	require.NoError(t, err)
	time.Sleep(within)
	return p, tokens
}

// A route may go by the feed where the service does not.
func TestRevokeSoon_onOneRoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, tokens := revokedElsewhere(t)
		require.True(t, p.verifies(t, tokens))
		require.False(t, p.verifies(t, tokens, session.WithRevocation(session.RevokeSoon)))
		require.True(t, p.verifies(t, tokens), "a remembered verdict is the route's own")
	})
}

// The same in one request with several middlewares.
func TestRevokeSoon_secondVerify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, tokens := revokedElsewhere(t)
		inner := p.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), session.WithRevocation(session.RevokeSoon))
		w := serve(t, p.Protect(inner), tokens)
		require.Equal(t, http.StatusUnauthorized, w.Code)
	})
}

// without is a store that has no feed.
type without struct{ session.Store }

func TestFeed_wrongConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		store session.Store
		cfg   session.Config
	}{
		"no session.FeedStore":         {without{memstore.New()}, session.Config{Revocation: session.RevokeSoon}},
		"Config.Feed.Within: 499ms":    {memstore.New(), session.Config{Feed: session.FeedConfig{Within: 499 * time.Millisecond}}},
		"Config.Feed.Within: 1m0.001s": {memstore.New(), session.Config{Feed: session.FeedConfig{Within: time.Minute + time.Millisecond}}},
		"Config.Feed.OnLag":            {memstore.New(), session.Config{Feed: session.FeedConfig{OnLag: 2}}},
		"Config.Feed.MaxEntries":       {memstore.New(), session.Config{Feed: session.FeedConfig{MaxEntries: 999}}},
		"Config.Revocation":            {memstore.New(), session.Config{Revocation: session.RevokeImmediately + 1}},
	} {
		_, err := session.New(t.Context(), c.store, c.cfg)
		require.ErrorIs(t, err, errors.ErrConfig, name)
		if name != "no session.FeedStore" {
			require.ErrorContains(t, err, name)
		} else {
			require.ErrorContains(t, err, "session.FeedStore")
		}
	}

	svc, err := session.New(t.Context(), without{memstore.New()}, session.Config{})
	require.NoError(t, err, "without the feed no store needs one")
	defer svc.Close()
	soon := session.WithRevocation(session.RevokeSoon)
	require.ErrorIs(t, svc.CheckVerify(soon), errors.ErrConfig)
	require.ErrorIs(t, svc.CheckVerify(session.WithRevocation(99)), errors.ErrConfig)
	require.Panics(t, func() { svc.Protect(http.NotFoundHandler(), soon) })
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	_, _, err = svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF, soon)
	require.ErrorIs(t, err, errors.ErrConfig, "and never a verdict on the session")
	_, err = tokens.Session.Watch(t.Context())
	require.ErrorIs(t, err, errors.ErrConfig)
	require.ErrorIs(t, svc.RefetchClaims(t.Context(), "ada"), errors.ErrConfig)
}

// The feed is read at the start: a failure names itself, and a process that starts in
// the middle knows what came before.
func TestFeed_start(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here := start(t, store, slow)
		tokens := here.create(t, "ada")
		_, err := here.Revoke(t.Context(), tokens.Session.Handle())
		require.NoError(t, err)
		time.Sleep(30 * time.Minute)
		require.False(t, start(t, store).verifies(t, tokens))

		_, err = session.New(t.Context(), storetest.Faulty(store, storetest.Fault{Method: "ReadFeed"}), session.Config{Revocation: session.RevokeSoon})
		require.ErrorIs(t, err, errors.ErrUnavailable)
		_, err = session.New(t.Context(), storetest.Faulty(store, storetest.Fault{Method: "TurnFeedOn"}), session.Config{Revocation: session.RevokeSoon})
		require.ErrorIs(t, err, errors.ErrUnavailable)
	})
}

// Hints older than any token are removed, by one process each hour.
func TestFeed_cleanup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		p, other := start(t, store, slow), start(t, store, slow)
		for range 10 {
			_, err := p.Revoke(t.Context(), p.create(t, "ada").Session.Handle())
			require.NoError(t, err)
		}
		hints := func() int {
			page, err := store.ReadFeed(t.Context(), models.FeedQuery{})
			require.NoError(t, err)
			return len(page.Hints)
		}
		time.Sleep(24 * time.Hour)
		require.Equal(t, 10, hints())
		time.Sleep(2 * time.Hour)
		require.Zero(t, hints())
		require.LessOrEqual(t, p.store.Counts()["DeleteHints"]+other.store.Counts()["DeleteHints"], 27)
	})
}

// serve sends a GET with the tokens through h.
func serve(t *testing.T, h http.Handler, tokens *session.Tokens) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
	r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
