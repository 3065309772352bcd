package session_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
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

// counted are the counts that are not 0.
func counted[K comparable](counts map[K]uint64) map[K]uint64 {
	counts = maps.Clone(counts)
	maps.DeleteFunc(counts, func(_ K, n uint64) bool { return n == 0 })
	return counts
}

// getWith is a GET with this access token.
func getWith(t *testing.T, access string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
	if access != "" {
		r.Header.Set("Cookie", "sAccessToken="+access)
	}
	return r
}

// A story over HTTP and without, told by the numbers.
func TestStats(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	verify := func(access string, opts ...session.VerifyOption) {
		_, _ = k.VerifyHTTP(httptest.NewRecorder(), getWith(t, access), opts...)
	}
	tokens, err := k.Create(t.Context(), "alice")
	require.NoError(t, err)
	verify(tokens.Access.Value)
	verify(tokens.Access.Value)
	verify("")
	verify("", session.Optional())
	verify(tokens.Access.Value[:len(tokens.Access.Value)-4] + "AAAA")
	verify(tokens.Access.Value, session.RequireLevel(2))
	_, _, err = k.Verify(t.Context(), tokens.Access.Value, "wrong")
	require.Error(t, err)

	next, err := k.RefreshHTTP(httptest.NewRecorder(), request(t, map[string]string{"Rid": "session"}, "sRefreshToken="+tokens.Refresh.Value))
	require.NoError(t, err)
	verify(next.AccessToken().Value)
	_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrTokenTheft)
	_, err = k.Refresh(t.Context(), "text")
	require.Error(t, err)
	_, err = k.Create(t.Context(), "")
	require.Error(t, err)
	other, err := k.Create(t.Context(), "bob")
	require.NoError(t, err)
	n, err := k.RevokeAll(t.Context(), "bob")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	verify(other.Access.Value, session.WithRevocation(session.RevokeImmediately))

	stats := k.Stats()
	require.Equal(t, map[string]uint64{
		"ok": 3, "visitor": 1, "token_missing": 1, "token_forged": 1, "step_up": 1, "anti_csrf": 1, "session_revoked": 1,
	}, counted(stats.Verifications))
	require.Equal(t, map[string]uint64{"ok": 1, "token_theft": 1, "token_malformed": 1}, counted(stats.Refreshes))
	require.Equal(t, map[string]uint64{"ok": 2, "invalid_input": 1}, counted(stats.SignIns))
	require.Equal(t, map[session.EventKind]uint64{
		session.EventCreated: 2, session.EventRefreshed: 1, session.EventPromoted: 1, session.EventTheft: 1, session.EventRevoked: 1,
	}, counted(stats.Events))
	require.Equal(t, map[models.RevokeReason]uint64{models.RevokedByTheft: 1, models.RevokedByRevokeAll: 1}, counted(stats.SessionsEnded))
	require.Equal(t, map[models.KeyPurpose]int{models.KeyForAccess: 1, models.KeyForRefresh: 1}, stats.Keys)
	require.Equal(t, map[models.KeyPurpose]int{models.KeyForAccess: 0, models.KeyForRefresh: 0}, stats.KeysUnreadable)
	require.NotZero(t, stats.TokensCached)
	require.NotZero(t, stats.TokenCacheMisses)
	require.NotZero(t, stats.StoreCalls)
	require.Empty(t, counted(stats.StoreErrors))

	k.Close()
	require.Equal(t, stats.Verifications, k.Stats().Verifications, "a closed Service still tells")
	require.Empty(t, new(session.Service).Stats(), "New did not make it")
}

// inTransaction is a transaction of the application, of which each call ends with err.
type inTransaction struct{ err error }

func (tx inTransaction) Revoke(context.Context, models.Revocation) (bool, error) {
	return tx.err == nil, tx.err
}

func (tx inTransaction) RevokeAll(context.Context, models.RevocationOfUser) (int, error) {
	return 2, tx.err
}

func (tx inTransaction) List(context.Context, models.SessionsOfUser) (models.SessionPage, error) {
	return models.SessionPage{}, tx.err
}

func (tx inTransaction) WriteHint(context.Context, models.Hint) error { return tx.err }

// What a Batch does in a transaction of the application is among the calls.
func TestStats_batch(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	before := k.Stats().StoreCalls
	batch := k.Batch()
	_, err = batch.Revoke(t.Context(), inTransaction{}, tokens.Session.Handle())
	require.NoError(t, err)
	_, err = batch.RevokeAll(t.Context(), inTransaction{}, "ada")
	require.NoError(t, err)
	_, err = batch.RevokeAll(t.Context(), inTransaction{errors.ErrUnavailable}, "ada")
	require.ErrorIs(t, err, errors.ErrUnavailable)
	stats := k.Stats()
	require.Equal(t, before+3, stats.StoreCalls)
	require.Equal(t, map[string]uint64{"unavailable": 1}, counted(stats.StoreErrors))
}

// A request counts once, however many handlers verify it, and once more where one of
// them demands what it has not.
func TestStats_onceForEachRequest(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "alice")
	require.NoError(t, err)
	x := k.Exchange(httptest.NewRecorder(), getWith(t, tokens.Access.Value))
	defer x.Close()
	for range 3 {
		_, err = x.Verify()
		require.NoError(t, err)
	}
	_, err = x.Verify(session.RequireLevel(1))
	require.ErrorIs(t, err, errors.ErrStepUp)
	require.Equal(t, map[string]uint64{"ok": 1, "step_up": 1}, counted(k.Stats().Verifications))
}

// Every name of an event and of a reason is there from the start, and none was
// forgotten when it was declared.
func TestStats_allNames(t *testing.T) {
	t.Parallel()
	stats := newKit(t).Stats()
	var kinds []session.EventKind
	for kind := range stats.Events {
		kinds = append(kinds, kind)
	}
	require.ElementsMatch(t, constantsOf[session.EventKind](t, "event.go", "EventKind"), kinds)
	var reasons []models.RevokeReason
	for reason := range stats.SessionsEnded {
		reasons = append(reasons, reason)
	}
	require.ElementsMatch(t, constantsOf[models.RevokeReason](t, "../models/session.go", "RevokeReason"),
		append(reasons, models.EndedByExpiry))
	require.Len(t, stats.Refreshes, len(stats.SignIns))
	require.Len(t, stats.Verifications, len(stats.Refreshes)+1, "a visitor")
}

// constantsOf are the texts of a file's constants of a type.
func constantsOf[T ~string](t *testing.T, file, of string) (values []T) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	for n := range ast.Preorder(parsed) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			continue
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == of {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			values = append(values, T(text))
		}
	}
	require.NotEmpty(t, values)
	return values
}

// What the database does wrong is told apart from what its callers do.
func TestStats_storeErrors(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	find := func(ctx context.Context) { _, _ = k.Get(ctx, "handle") }
	k.store.Arm(storetest.Fault{})
	find(t.Context())
	k.store.Arm(storetest.Fault{Err: errors.WithReason(errors.ErrGeneral, errors.ErrSchema)})
	find(t.Context())
	k.store.Arm(storetest.Fault{Mode: storetest.Hang})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	find(ctx)
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	find(ctx)
	require.Equal(t, map[string]uint64{"unavailable": 1, "error": 1, "canceled": 1, "timeout": 1}, counted(k.Stats().StoreErrors))
}

// The queue of Config.OnTheft, and the feed's numbers.
func TestStats_state(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		k := newKit(t, func(c *session.Config) {
			c.OnTheft = func(context.Context, *errors.TokenTheftError) { <-release }
			c.Revocation = session.RevokeSoon
		})
		for i := range 6 {
			token, _ := stolen(t, k.Service, "user-"+strconv.Itoa(i))
			_, err := k.Refresh(t.Context(), token)
			require.ErrorIs(t, err, errors.ErrTokenTheft)
		}
		tokens, err := k.Create(t.Context(), "alice")
		require.NoError(t, err)
		sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		_, err = sess.Watch(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		stats := k.Stats()
		require.Equal(t, 4, stats.TheftsRunning)
		require.Equal(t, 2, stats.TheftsWaiting)
		require.Equal(t, 6, stats.FeedEntries)
		require.Equal(t, 1, stats.Watched)
		close(release)

		k.store.Arm(storetest.Fault{Method: "WriteHint"}, storetest.Fault{Method: "ReadFeed"})
		_, err = k.Revoke(t.Context(), tokens.Session.Handle())
		require.Error(t, err)
		time.Sleep(10 * time.Second)
		stats = k.Stats()
		require.Equal(t, 1, stats.FeedUntold)
		require.GreaterOrEqual(t, stats.FeedLag, 9*time.Second)
		require.Zero(t, stats.TheftsRunning)
		require.Equal(t, uint64(1), stats.Events[session.EventFeedLagging])
	})
}

// The age of the key that signs, and a row that another instance has sealed with a
// key-encryption key which this one does not have.
func TestStats_keys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := []byte(strings.Repeat("1", 31)+"!"), []byte(strings.Repeat("2", 31)+"!")
		with := func(keys ...[]byte) func(*session.Config) {
			return func(c *session.Config) { c.SigningKey.Encryption = keys }
		}
		store := memstore.New()
		k := newKitOn(t, store, nil, with(first))
		k.Advance(90 * time.Minute)
		stats := k.Stats()
		require.Equal(t, 90*time.Minute, stats.KeyAge[models.KeyForAccess])
		require.Equal(t, 90*time.Minute, stats.KeysLoaded, "by the fake clock")

		k.Advance(24 * time.Hour)
		newKitOn(t, store, k.clock, with(second, first)) // makes the next key
		time.Sleep(2 * time.Minute)
		stats = k.Stats()
		require.Equal(t, 1, stats.KeysUnreadable[models.KeyForAccess])
		require.Equal(t, 1, stats.Keys[models.KeyForAccess])
		require.Zero(t, stats.KeysLoaded)
	})
}

// Counting does not stop what is counted: scrapes beside requests, with -race.
func TestStats_beside(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "alice")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				_, _ = k.VerifyHTTP(httptest.NewRecorder(), getWith(t, tokens.Access.Value))
			}
		})
	}
	for range 50 {
		_ = k.Stats()
	}
	wg.Wait()
	require.Equal(t, uint64(800), k.Stats().Verifications["ok"])
}
