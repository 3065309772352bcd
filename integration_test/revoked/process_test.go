package revoked_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// lagHeader has the greatest RevocationLag that the process had while it answered, in
// nanoseconds.
const lagHeader = "X-Lag"

// setting is how a process listens.
type setting struct {
	Within time.Duration
	OnLag  session.LagPolicy
	// Skew is by how much its clock is wrong.
	Skew time.Duration
	// Limit, if not 0, is how many sessions a user may have.
	Limit int
	// flaky: its hints meet failures.
	flaky bool
}

func (s setting) config() session.Config {
	return session.Config{
		Revocation: session.RevokeSoon, Feed: session.FeedConfig{Within: s.Within, OnLag: s.OnLag},
		OperationTimeout: 10 * time.Second, // a busy test machine
		MaxSessions:      session.LimitConfig{N: s.Limit},
		Cleanup:          session.CleanupConfig{Every: session.Off},
		Logger:           slog.New(slog.DiscardHandler),
		Now:              func() time.Time { return time.Now().Add(s.Skew) },
	}
}

// instance is one process of the application.
type instance struct {
	db    *gorm.DB
	store *gormstore.Store
	svc   *session.Service
	// die ends the process when it was told to die here.
	die func(point string)

	mu     sync.Mutex
	events []session.Event
}

// newInstance starts a process on a pool of its own. wrap, if not nil, puts something
// around the store.
func newInstance(ctx context.Context, db *gorm.DB, cfg session.Config, wrap func(session.FeedStore) session.FeedStore) (*instance, error) {
	store, err := gormstore.New(db, gormstore.Config{})
	if err != nil {
		return nil, err
	}
	p := &instance{db: db, store: store, die: func(string) {}}
	cfg.OnEvent = func(e session.Event) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.events = append(p.events, e)
	}
	var wrapped session.FeedStore = store
	if wrap != nil {
		wrapped = wrap(store)
	}
	p.svc, err = session.New(ctx, wrapped, cfg)
	return p, err
}

// counted is how many events of a kind there were.
func (p *instance) counted(kind session.EventKind) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// start runs an instance in this process, on a pool of its own.
func start(t testing.TB, d database, cfg session.Config, wrap func(session.FeedStore) session.FeedStore) *instance {
	t.Helper()
	return startOn(t, d.pool(t, 10), cfg, wrap)
}

func startOn(t testing.TB, db *gorm.DB, cfg session.Config, wrap func(session.FeedStore) session.FeedStore) *instance {
	t.Helper()
	p, err := newInstance(t.Context(), db, cfg, wrap)
	require.NoError(t, err)
	t.Cleanup(p.svc.Close)
	return p
}

// serve serves the instance's routes until t ends.
func (p *instance) serve(t testing.TB, set setting) *process {
	t.Helper()
	server := httptest.NewServer(p.routes())
	t.Cleanup(server.Close)
	return newProcess(t, server.URL, set)
}

// routes are those of an application, and what the test wants done.
func (p *instance) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	lag := func(c *gin.Context) {
		was, _ := strconv.ParseInt(c.Writer.Header().Get(lagHeader), 10, 64)
		c.Header(lagHeader, strconv.FormatInt(max(was, int64(p.svc.RevocationLag())), 10))
	}
	ok := func(c *gin.Context) { c.Status(http.StatusOK) }
	// The lag is looked at before the verdict and after it.
	router.GET("/me", lag, middleware.Verify(p.svc), lag, ok)
	router.GET("/now", middleware.Verify(p.svc, session.WithRevocation(session.RevokeImmediately)), ok)
	router.POST("/signout", middleware.Verify(p.svc), func(c *gin.Context) {
		sess, _ := middleware.Session(c)
		answer(c, result{}, sess.Revoke(c))
	})
	router.POST("/login", func(c *gin.Context) {
		sess, err := middleware.Create(c, p.svc, c.Query("user"))
		if err != nil {
			answer(c, result{}, err)
			return
		}
		c.JSON(http.StatusOK, result{Handle: sess.Handle()})
	})
	router.POST("/do", func(c *gin.Context) {
		var o order
		if err := c.BindJSON(&o); err != nil {
			return
		}
		done, err := p.do(c, o)
		answer(c, done, err)
	})
	return router
}

// order is something to do; which of its fields count, Do says.
type order struct {
	Do, User, Handle, Token string
	// Hold is how long a transaction waits before it ends, Rollback how it does, and
	// Lose that nobody is there any more to call Done.
	Hold           time.Duration
	Rollback, Lose bool
}

// result is what came of it.
type result struct {
	Handle, Access, Refresh string
	Count                   int
	Error                   string
}

func answer(c *gin.Context, done result, err error) {
	status := http.StatusOK
	switch {
	case err == nil:
	case errors.Is(err, errors.ErrTokenTheft):
		status, done.Error = http.StatusConflict, err.Error()
	case errors.Is(err, errors.ErrUnauthorised), errors.Is(err, errors.ErrTryRefreshToken):
		status, done.Error = http.StatusUnauthorized, err.Error()
	case errors.Is(err, errors.ErrUnavailable):
		status, done.Error = http.StatusServiceUnavailable, err.Error()
	default:
		status, done.Error = http.StatusInternalServerError, err.Error()
	}
	c.JSON(status, done)
}

func tokensOf(tokens *session.Tokens, err error) (result, error) {
	if err != nil {
		return result{}, err
	}
	return result{Handle: tokens.Session.Handle(), Access: tokens.Access.Value, Refresh: tokens.Refresh.Value}, nil
}

func ended(one bool, err error) (result, error) {
	if one {
		return result{Count: 1}, err
	}
	return result{}, err
}

func counted(n int, err error) (result, error) { return result{Count: n}, err }

func (p *instance) do(ctx context.Context, o order) (result, error) {
	switch o.Do {
	case "create":
		return tokensOf(p.svc.Create(ctx, o.User))
	case "refresh":
		return tokensOf(p.svc.Refresh(ctx, o.Token))
	case "revoke":
		return ended(p.svc.Revoke(ctx, o.Handle))
	case "revokeOf":
		return ended(p.svc.RevokeOf(ctx, o.User, o.Handle))
	case "revokeAll":
		return counted(p.svc.RevokeAll(ctx, o.User))
	case "revokeOthers":
		return counted(p.svc.RevokeOthers(ctx, o.User, o.Handle))
	case "revokeWhere":
		done, err := p.svc.RevokeWhere(ctx, session.Filter{Users: []string{o.User}, ExceptHandles: []string{o.Handle}})
		return counted(done.Count, err)
	}
	return p.batch(ctx, o)
}

var errChangedMyMind = errors.New("rolled back")

// batch does something in a transaction that changes the user's password.
func (p *instance) batch(ctx context.Context, o order) (done result, err error) {
	batch := p.svc.Batch()
	err = p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE accounts SET password = 'new' WHERE user_id = ?", o.User).Error; err != nil {
			return err
		}
		in := p.store.In(tx)
		var err error
		switch o.Do {
		case "batchRevoke":
			done, err = ended(batch.Revoke(ctx, in, o.Handle))
		case "batchRevokeOf":
			done, err = ended(batch.RevokeOf(ctx, in, o.User, o.Handle))
		case "batchAll":
			done, err = counted(batch.RevokeAll(ctx, in, o.User))
		case "batchOthers":
			done, err = counted(batch.RevokeOthers(ctx, in, o.User, o.Handle))
		default:
			err = errors.New("no such order: " + o.Do)
		}
		if err != nil {
			return err
		}
		time.Sleep(o.Hold)
		p.die("before the commit")
		if o.Rollback {
			return errChangedMyMind
		}
		return nil
	})
	p.die("after the commit")
	if err == nil && o.Lose {
		return done, nil
	}
	committed := err == nil
	err = batch.Done(ctx, err)
	switch {
	case o.Rollback: // whatever else went wrong, it was not committed
		return result{}, nil
	case committed:
		return done, nil // the hint of the transaction tells the others
	}
	return done, errors.WithReason(errors.ErrUnavailable, err) // perhaps it was
}

// process is an instance as a client sees it.
type process struct {
	setting
	url    string
	client *http.Client
}

func newProcess(t testing.TB, url string, set setting) *process {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 200}
	t.Cleanup(transport.CloseIdleConnections)
	return &process{setting: set, url: url, client: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// reply is what a client got to see. Status 0 is no answer.
type reply struct {
	Status     int
	begin, end time.Time
	lag        time.Duration
	// access is an access token that takes the place of the client's own.
	access string
	result
}

// get sends a request of a client that has this access token.
func (p *process) get(path, access string) reply { return p.send(http.MethodGet, path, access, nil) }

// post is get for what changes something.
func (p *process) post(path, access string) reply { return p.send(http.MethodPost, path, access, nil) }

// do has the process do something.
func (p *process) do(o order) reply { return p.send(http.MethodPost, "/do", "", &o) }

func (p *process) send(method, path, access string, body any) (r reply) {
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		text = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, p.url+path, text)
	if err != nil {
		panic(err)
	}
	request.Header.Set("st-auth-mode", "header")
	if access != "" {
		request.Header.Set("Authorization", "Bearer "+access)
	}
	r.begin = time.Now()
	response, err := p.client.Do(request)
	if err != nil {
		r.end = time.Now()
		return r
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(response.Body)
	r.end = time.Now()
	r.Status = response.StatusCode
	lag, _ := strconv.ParseInt(response.Header.Get(lagHeader), 10, 64)
	r.lag, r.access = time.Duration(lag), response.Header.Get("St-Access-Token")
	_ = json.Unmarshal(content, &r.result) // an answer of the kit has no result
	return r
}
