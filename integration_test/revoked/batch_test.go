package revoked_test

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// serves reports whether the process serves the tokens, and whether it knew the feed
// in time when it said so.
func (p *instance) serves(t testing.TB, access string) (served, knew bool) {
	t.Helper()
	lag := p.svc.RevocationLag()
	_, _, err := p.svc.Verify(context.Background(), access, "", session.InsecureSkipAntiCSRF())
	lag = max(lag, p.svc.RevocationLag())
	if err != nil {
		require.ErrorIs(t, err, errors.ErrUnauthorised)
	}
	return err == nil, lag <= brief
}

// requireServed wants the tokens to be good, now and after Within.
func (p *instance) requireServed(t testing.TB, access string) {
	t.Helper()
	for range 2 {
		served, _ := p.serves(t, access)
		require.True(t, served)
		time.Sleep(brief)
	}
}

// requireRefused wants the tokens to be refused by the first look, later than Within,
// that knew the feed in time.
func (p *instance) requireRefused(t testing.TB, access string, since time.Time) {
	t.Helper()
	time.Sleep(time.Until(since.Add(brief)))
	for knew := false; !knew; {
		var served bool
		if served, knew = p.serves(t, access); !served {
			return
		}
		require.False(t, served && knew, "served %v later", time.Since(since))
	}
}

func (p *instance) signIn(t testing.TB, user string) result {
	t.Helper()
	tokens, err := tokensOf(p.svc.Create(t.Context(), user))
	require.NoError(t, err)
	return tokens
}

// shop is a database with an account, and two processes of the application.
type shop struct {
	database
	db          *gorm.DB
	here, there *instance
}

func openShop(t testing.TB, engine string) *shop {
	t.Helper()
	s := &shop{database: fresh(t, engine)}
	s.db = s.pool(t, 4)
	require.NoError(t, s.db.Exec("INSERT INTO accounts (user_id, password) VALUES ('ada', 'old')").Error)
	cfg := setting{Within: brief}.config()
	s.here, s.there = start(t, s.database, cfg, nil), start(t, s.database, cfg, nil)
	return s
}

func (s *shop) password(t testing.TB) (password string) {
	t.Helper()
	require.NoError(t, s.db.Raw("SELECT password FROM accounts WHERE user_id = 'ada'").Scan(&password).Error)
	return password
}

// hints is how many rows of the feed there are.
func (s *shop) hints(t testing.TB) (n int) {
	t.Helper()
	require.NoError(t, s.db.Raw("SELECT COUNT(*) FROM auth_feed").Scan(&n).Error)
	return n
}

func onEach(t *testing.T, engines []string, test func(t *testing.T, engine string)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

var (
	everywhere = []string{onMySQL, onPostgres, onSQLite}
	servers    = []string{onMySQL, onPostgres}
)

// Together, or not at all.
func TestBatch(t *testing.T) {
	t.Parallel()
	onEach(t, everywhere, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		kept, other := s.here.signIn(t, "ada"), s.there.signIn(t, "ada")

		done, err := s.here.do(t.Context(), order{Do: "batchOthers", User: "ada", Handle: kept.Handle, Rollback: true})
		require.NoError(t, err)
		require.Zero(t, done.Count)
		require.Equal(t, "old", s.password(t))
		for _, p := range []*instance{s.here, s.there} {
			p.requireServed(t, other.Access)
			require.Zero(t, p.counted(session.EventRevoked))
		}

		done, err = s.here.do(t.Context(), order{Do: "batchOthers", User: "ada", Handle: kept.Handle})
		returned := time.Now()
		require.NoError(t, err)
		require.Equal(t, 1, done.Count)
		require.Equal(t, "new", s.password(t))
		require.Equal(t, 1, s.here.counted(session.EventRevoked))
		served, _ := s.here.serves(t, other.Access)
		require.False(t, served, "this process knows at once")
		s.there.requireRefused(t, other.Access, returned)
		s.there.requireServed(t, kept.Access)
	})
}

// The process ends before the commit: nothing has happened. It ends between the commit
// and Done: the others learn of it by the hint of the transaction.
func TestBatch_killed(t *testing.T) {
	t.Parallel()
	onEach(t, everywhere, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		for _, point := range []string{"before the commit", "after the commit"} {
			victim := s.there.signIn(t, "ada")
			served, _ := s.there.serves(t, victim.Access)
			require.True(t, served)
			doomed := spawn(t, s.database, setting{Within: brief}, point)
			r := doomed.do(order{Do: "batchAll", User: "ada"})
			require.Zero(t, r.Status, point)
			if point == "before the commit" {
				s.there.requireServed(t, victim.Access)
				require.Equal(t, "old", s.password(t))
				continue
			}
			s.there.requireRefused(t, victim.Access, r.end)
			require.Equal(t, "new", s.password(t))
			require.Equal(t, 1, s.hints(t), "nobody called Done")
		}
	})
}

// The answer to the commit is lost: the caller gets an error, and the others are told
// all the same.
func TestBatch_commitAnswerLost(t *testing.T) {
	t.Parallel()
	onEach(t, servers, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		victim := s.there.signIn(t, "ada")
		served, _ := s.there.serves(t, victim.Access)
		require.True(t, served)
		behind, proxy := s.behindProxy(t)
		app := behind.pool(t, 1)

		batch := s.here.svc.Batch()
		err := app.Transaction(func(tx *gorm.DB) error {
			if err := tx.Exec("UPDATE accounts SET password = 'new' WHERE user_id = 'ada'").Error; err != nil {
				return err
			}
			_, err := batch.RevokeAll(t.Context(), s.here.store.In(tx), "ada")
			proxy.CutAt(1, rig.CutAfter)
			return err
		})
		require.Error(t, err)
		require.Equal(t, err, batch.Done(t.Context(), err))
		returned := time.Now()
		require.Equal(t, "new", s.password(t), "it was committed")
		require.Equal(t, 2, s.hints(t), "one in the transaction and one of Done")
		require.Zero(t, s.here.counted(session.EventRevoked))
		served, _ = s.here.serves(t, victim.Access)
		require.False(t, served)
		s.there.requireRefused(t, victim.Access, returned)
	})
}

// behindProxy is the database behind a proxy that can cut.
func (s *shop) behindProxy(t testing.TB) (database, *rig.Proxy) {
	t.Helper()
	var server string
	if s.engine == onMySQL {
		config, err := mysql.ParseDSN(s.dsn)
		require.NoError(t, err)
		server = config.Addr
	} else {
		config, err := pgx.ParseConfig(s.dsn)
		require.NoError(t, err)
		server = net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	}
	proxy := rig.NewProxy(t, server)
	addr, port, err := net.SplitHostPort(proxy.Addr())
	require.NoError(t, err)
	number, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	behind := s.database
	behind.addr, behind.port = addr, uint16(number)
	return behind, proxy
}

// The transaction is the one that a deadlock ends. It is begun again with a new Batch;
// of the old one nothing is left.
func TestBatch_deadlock(t *testing.T) {
	t.Parallel()
	onEach(t, servers, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		victim := s.there.signIn(t, "ada")
		served, _ := s.there.serves(t, victim.Access)
		require.True(t, served)

		other := s.db.Begin()
		for i := range 50 { // MariaDB ends whoever has written less
			require.NoError(t, other.Exec("INSERT INTO accounts (user_id, password) VALUES (?, '')", strconv.Itoa(i)).Error)
		}
		require.NoError(t, other.Exec("UPDATE auth_sessions SET user_agent = 'x' WHERE handle = ?", victim.Handle).Error)

		first := s.here.svc.Batch()
		waits, locked := make(chan error, 1), make(chan struct{})
		go func() {
			waits <- s.here.db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Exec("UPDATE accounts SET password = 'new' WHERE user_id = 'ada'").Error; err != nil {
					return err
				}
				close(locked)
				_, err := first.RevokeAll(t.Context(), s.here.store.In(tx), "ada")
				return err
			})
		}()
		<-locked
		// PostgreSQL ends whoever has waited for a second, which shall be the first.
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, other.Exec("UPDATE accounts SET password = 'other' WHERE user_id = 'ada'").Error)
		err := <-waits
		require.ErrorIs(t, err, errors.ErrUnavailable, "it may be tried again")
		require.NoError(t, other.Commit().Error)
		require.Equal(t, err, first.Done(t.Context(), err))
		require.Equal(t, "other", s.password(t))
		s.there.requireServed(t, victim.Access)
		require.Zero(t, s.here.counted(session.EventRevoked))
		_, err = first.RevokeAll(t.Context(), s.here.store.In(s.db), "ada")
		require.ErrorIs(t, err, errors.ErrConfig, "a Batch is for one transaction")

		done, err := s.here.do(t.Context(), order{Do: "batchAll", User: "ada"})
		returned := time.Now()
		require.NoError(t, err)
		require.Equal(t, 1, done.Count)
		require.Equal(t, "new", s.password(t))
		require.Equal(t, 1, s.here.counted(session.EventRevoked))
		s.there.requireRefused(t, victim.Access, returned)
	})
}

// A pool of one connection is enough for the transaction, for Done, and for who reads
// the feed.
func TestBatch_oneConnection(t *testing.T) {
	t.Parallel()
	onEach(t, everywhere, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		only := startOn(t, s.pool(t, 1), setting{Within: brief}.config(), nil)
		for range 5 {
			victim := s.there.signIn(t, "ada")
			served, _ := s.there.serves(t, victim.Access)
			require.True(t, served)
			done, err := only.do(t.Context(), order{Do: "batchAll", User: "ada", Hold: brief})
			returned := time.Now()
			require.NoError(t, err)
			require.Equal(t, 1, done.Count)
			s.there.requireRefused(t, victim.Access, returned)
			served, _ = only.serves(t, victim.Access)
			require.False(t, served)
		}
	})
}

// While the transaction holds its locks, the first request after a refresh of the
// session that is kept waits or gets a 503. After the commit it gets through.
func TestBatch_promotionWaits(t *testing.T) {
	t.Parallel()
	onEach(t, everywhere, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		cfg := setting{Within: brief}.config()
		cfg.OperationTimeout = 300 * time.Millisecond
		p := start(t, s.database, cfg, nil).serve(t, setting{Within: brief})
		kept, other := s.here.signIn(t, "ada"), s.here.signIn(t, "ada")
		fresh, err := tokensOf(s.here.svc.Refresh(t.Context(), kept.Refresh))
		require.NoError(t, err)

		over := make(chan error, 1)
		go func() {
			_, err := s.here.do(context.Background(), order{Do: "batchOthers", User: "ada", Handle: kept.Handle, Hold: 2 * time.Second})
			over <- err
		}()
		statuses := map[int]int{}
		for running := true; running; {
			select {
			case err := <-over:
				require.NoError(t, err)
				running = false
			case <-time.After(50 * time.Millisecond):
			}
			r := p.get("/me", fresh.Access)
			statuses[r.Status]++
			require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, r.Status)
		}
		r := p.get("/me", fresh.Access)
		require.Equal(t, http.StatusOK, r.Status, statuses)
		t.Log(statuses)
		require.NotEmpty(t, r.access, "promoted")
		fresh, err = tokensOf(s.here.svc.Refresh(t.Context(), fresh.Refresh))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, p.get("/me", fresh.Access).Status)
		served, _ := s.here.serves(t, other.Access)
		require.False(t, served)
	})
}
