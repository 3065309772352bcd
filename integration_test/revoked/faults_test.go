//go:build faults

package revoked_test

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// private is a server of its own, which may be broken.
func private(t *testing.T) (database, *rig.MariaDB) {
	t.Helper()
	server := rig.StartMariaDB(t, "", "--innodb-flush-log-at-trx-commit=1")
	d := database{engine: onMySQL, dsn: server.DSN(server.Addr())}
	d.prepare(t)
	return d, server
}

// behind is the database behind a proxy.
func behind(t *testing.T, d database, server string) (database, *rig.Proxy) {
	t.Helper()
	proxy := rig.NewProxy(t, server)
	addr, port, err := net.SplitHostPort(proxy.Addr())
	require.NoError(t, err)
	number, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	d.addr, d.port = addr, uint16(number)
	return d, proxy
}

// The feed cannot be read for half a minute, as connections are refused or as nobody
// answers. Nobody is signed out; who asks gets a 503; afterwards all is as it should be.
func TestF45_FeedUnreachable(t *testing.T) {
	for what, weather := range map[string]rig.Weather{
		"feed unreachable for 30 s": {Down: true}, "feed silent for 30 s": {Silent: true},
	} {
		t.Run(what, func(t *testing.T) { unreachable(t, what, weather) })
	}
}

func unreachable(t *testing.T, what string, weather rig.Weather) {
	d, server := private(t)
	far, proxy := behind(t, d, server.Addr())
	set := setting{Within: 2 * time.Second}
	here := start(t, d, set.config(), nil)
	cfg := set.config()
	cfg.OperationTimeout = time.Second
	serves := start(t, far, cfg, nil)
	cfg.Feed.OnLag = session.LagAsk
	asks := start(t, far, cfg, nil)
	goOn, ask := serves.serve(t, set), asks.serve(t, set)
	live, victim, watched := serves.signIn(t, "ada"), serves.signIn(t, "bob"), serves.watching(t, "eve")
	stays := serves.watching(t, "ada")
	require.Equal(t, http.StatusOK, goOn.get("/me", victim.Access).Status)

	proxy.Set(weather)
	begin := time.Now()
	for _, handle := range []string{victim.Handle, watched.handle} {
		ended, err := here.svc.Revoke(t.Context(), handle)
		require.NoError(t, err)
		require.True(t, ended)
	}
	byServing, byAsking, requests := map[int]int{}, map[int]int{}, 0
	for time.Since(begin) < 30*time.Second {
		lagged := asks.svc.RevocationLag() > set.Within
		a, s := ask.get("/me", live.Access), goOn.get("/me", live.Access)
		requests += 2
		byAsking[a.Status]++
		byServing[s.Status]++
		if lagged {
			assert.Equal(t, http.StatusServiceUnavailable, a.Status)
		}
		time.Sleep(50 * time.Millisecond)
	}
	assert.Equal(t, http.StatusOK, goOn.get("/me", victim.Access).Status, "nobody could know")
	lag := serves.svc.RevocationLag()
	assert.Greater(t, lag, 25*time.Second)
	assert.Len(t, byServing, 1)
	assert.Positive(t, byServing[http.StatusOK])
	assert.Positive(t, byAsking[http.StatusServiceUnavailable])
	assert.Zero(t, byAsking[http.StatusUnauthorized])

	proxy.Set(rig.Weather{})
	restored := time.Now()
	for serves.svc.RevocationLag() > set.Within || asks.svc.RevocationLag() > set.Within {
		require.Less(t, time.Since(restored), 10*time.Second)
		time.Sleep(time.Millisecond)
	}
	caughtUp := time.Since(restored)
	for _, p := range []*process{goOn, ask} {
		assert.Equal(t, http.StatusUnauthorized, p.get("/me", victim.Access).Status)
		assert.Equal(t, http.StatusOK, p.get("/me", live.Access).Status, "nobody was signed out")
	}
	assert.Equal(t, models.RevokedByApplication, watched.within(t, restored.Add(2*set.Within)))
	stays.lives(t)
	for _, p := range []*instance{serves, asks} {
		assert.Equal(t, 1, p.counted(session.EventFeedLagging))
		assert.Eventually(t, func() bool { return p.counted(session.EventFeedCaughtUp) == 1 }, 10*time.Second, 10*time.Millisecond)
	}
	printRow("F-45", what, "logouts", byServing[http.StatusUnauthorized]+byAsking[http.StatusUnauthorized], "requests", requests,
		"unavailable", byAsking[http.StatusServiceUnavailable], "lag", lag.Round(10*time.Millisecond), "caught_up", caughtUp.Round(10*time.Millisecond))
}

// watcher is a socket.
type watcher struct {
	handle string
	tokens *session.Tokens
	ended  <-chan session.End
}

// watching is a session that somebody watches.
func (p *instance) watching(t testing.TB, user string) watcher {
	t.Helper()
	tokens, err := p.svc.Create(t.Context(), user)
	require.NoError(t, err)
	ended, err := tokens.Session.Watch(t.Context())
	require.NoError(t, err)
	return watcher{tokens.Session.Handle(), tokens, ended}
}

// within wants one End by then, and returns its reason.
func (w watcher) within(t testing.TB, deadline time.Time) models.RevokeReason {
	t.Helper()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case end, ok := <-w.ended:
		require.True(t, ok, "closed without an End")
		_, more := <-w.ended
		require.False(t, more, "once")
		return end.Reason
	case <-timer.C:
		require.Fail(t, "still waits")
	}
	return ""
}

// lives wants no End so far.
func (w watcher) lives(t testing.TB) {
	t.Helper()
	select {
	case end, ok := <-w.ended:
		require.Fail(t, "ended", "%v %v", end, ok)
	default:
	}
}

// The clocks of those who revoke are a minute ahead and a minute behind.
func TestF46_Clocks(t *testing.T) {
	for _, skew := range []time.Duration{time.Minute, -time.Minute} {
		d := fresh(t, onMySQL)
		w := &world{db: d.pool(t, 4), hold: time.Second}
		set := setting{Within: brief, Skew: skew}
		w.processes = append(w.processes, spawn(t, d, set, ""))
		set.Skew = 0
		w.processes = append(w.processes, start(t, d, set.config(), nil).serve(t, set))
		w.play(t, load{users: 30, duration: 10 * time.Second})
		w.row(t, "F-46", fmt.Sprintf("one clock %+ds away", int(skew.Seconds())), "excused_share", share(w.sum.excused, w.sum.late))
	}
}

func share(part, whole int) string {
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(max(1, whole)))
}

// A transaction commits its hint 25 s after it wrote it, and nobody calls Done: it was
// killed. Others write newer hints all the time.
func TestF47_LateCommit(t *testing.T) {
	onEach(t, servers, func(t *testing.T, engine string) {
		s := openShop(t, engine)
		stop := make(chan struct{})
		var busy sync.WaitGroup
		busy.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
					assert.NoError(t, s.here.svc.RefetchClaims(t.Context(), "user-"+strconv.Itoa(n)))
				}
			}
		})
		var late sync.WaitGroup
		const commits = 4
		for i := range commits {
			late.Go(func() {
				user := "late-" + strconv.Itoa(i)
				victim := s.there.signIn(t, user)
				served, _ := s.there.serves(t, victim.Access)
				assert.True(t, served)
				_, err := s.here.do(t.Context(), order{Do: "batchAll", User: user, Hold: 25 * time.Second, Lose: true})
				returned := time.Now()
				assert.NoError(t, err)
				s.there.requireRefused(t, victim.Access, returned)
			})
		}
		late.Wait()
		close(stop)
		busy.Wait()
		printRow("F-47", "hint committed 25 s late, "+engine, "logouts", 0, "revocations", commits, "late_served", 0)
	})
}

// Connections are killed all the time, those by which the feed is read among them.
func TestF48_ConnectionsKilled(t *testing.T) {
	d, server := private(t)
	w := &world{db: d.pool(t, 4), hold: 200 * time.Millisecond, breaks: true}
	w.threeOn(t, d)
	admin := d
	admin.dsn = server.AdminDSN() + "app"
	kills := w.beside(t, func(stop <-chan struct{}) int { return killAll(t, admin.pool(t, 1), stop, 250*time.Millisecond) },
		load{users: 20, duration: 20 * time.Second})
	require.Greater(t, kills, 100)
	w.row(t, "F-48", "connections killed for 20 s", "kills", kills)
}

// threeOn are three processes of different settings.
func (w *world) threeOn(t *testing.T, d database) {
	t.Helper()
	set := setting{Within: brief}
	w.processes = append(w.processes, start(t, d, set.config(), nil).serve(t, set))
	set.OnLag = session.LagAsk
	w.processes = append(w.processes, spawn(t, d, set, ""))
	set.Within = 2 * time.Second
	w.processes = append(w.processes, start(t, d, set.config(), nil).serve(t, set))
}

// killAll kills the connections of the application, again and again.
func killAll(t *testing.T, admin *gorm.DB, stop <-chan struct{}, pause time.Duration) (kills int) {
	for {
		var ids []int64
		assert.NoError(t, admin.Raw("SELECT id FROM information_schema.processlist WHERE user = 'app'").Scan(&ids).Error)
		for _, id := range ids {
			if admin.Exec("KILL "+strconv.FormatInt(id, 10)).Error == nil {
				kills++
			}
		}
		select {
		case <-stop:
			return kills
		case <-time.After(pause):
		}
	}
}

// The database is killed and comes back. What was committed is there, and so are the
// hints.
func TestF49_DatabaseKilled(t *testing.T) {
	d, server := private(t)
	w := &world{db: d.pool(t, 4), hold: 200 * time.Millisecond, breaks: true}
	w.threeOn(t, d)
	kills := w.beside(t, func(stop <-chan struct{}) (kills int) {
		for {
			select {
			case <-stop:
				return kills
			case <-time.After(5 * time.Second):
				server.Kill()
				time.Sleep(time.Second)
				server.Start()
				kills++
			}
		}
	}, load{users: 20, duration: 25 * time.Second})
	require.Greater(t, kills, 2)
	w.row(t, "F-49", "database killed, down for 1 s", "kills", kills)
}

// Ten thousand sockets: one session is revoked, all of a user and all there are, a
// hundred are refreshed, and connections are killed meanwhile. Each hears of its end
// once and in time, and nobody else of anything.
func TestF50_Watchers(t *testing.T) {
	const users, each = 100, 100
	d, server := private(t)
	set := setting{Within: 2 * time.Second}
	here, there := start(t, d, set.config(), nil), start(t, d, set.config(), nil)
	watchers := make([]watcher, users*each)
	var signIn sync.WaitGroup
	for part := range 8 {
		signIn.Go(func() {
			for i := part; i < len(watchers); i += 8 {
				watchers[i] = there.watching(t, "user-"+strconv.Itoa(i/each))
			}
		})
	}
	signIn.Wait()
	require.False(t, t.Failed())

	admin := d
	admin.dsn = server.AdminDSN() + "app"
	stop := make(chan struct{})
	var kills atomic.Int64
	var killing sync.WaitGroup
	killing.Go(func() { kills.Store(int64(killAll(t, admin.pool(t, 1), stop, time.Second))) })
	for i := range each { // of the last user
		w := watchers[len(watchers)-1-i]
		here.refreshAndUse(t, w.tokens.Refresh.Value)
	}
	time.Sleep(5 * time.Second)
	close(stop)
	killing.Wait()
	for there.svc.RevocationLag() > set.Within/2 { // from here on in time
		time.Sleep(10 * time.Millisecond)
	}
	for _, w := range watchers {
		w.lives(t)
	}

	ends := map[string]time.Duration{}
	revoke := func(what string, of []watcher, reason models.RevokeReason, how func() error) {
		require.NoError(t, how())
		returned := time.Now()
		lagged := there.worstLag(func() {
			for _, w := range of {
				require.Equal(t, reason, w.within(t, returned.Add(time.Minute)), what)
			}
			ends[what] = time.Since(returned)
		})
		// A machine that is too slow to poll in time says so.
		assert.LessOrEqual(t, ends[what], set.Within+lagged, what)
	}
	revoke("one", watchers[:1], models.RevokedByApplication, func() error {
		_, err := here.svc.Revoke(t.Context(), watchers[0].handle)
		return err
	})
	watchers[1].lives(t)
	revoke("user", watchers[1:each], models.RevokedByRevokeAll, func() error {
		_, err := here.svc.RevokeAll(t.Context(), "user-0")
		return err
	})
	for _, w := range watchers[each:] {
		w.lives(t)
	}
	revoke("all", watchers[each:], models.RevokedByOperator, func() error {
		_, err := here.svc.RevokeEverything(t.Context())
		return err
	})
	printRow("F-50", "10,000 watchers", "logouts", 0, "kills", kills.Load(), "after_one", ends["one"].Round(time.Millisecond),
		"after_user", ends["user"].Round(time.Millisecond), "after_all", ends["all"].Round(time.Millisecond))
}

// refreshAndUse tries again when a connection was killed under it, as a front end does.
func (p *instance) refreshAndUse(t *testing.T, refresh string) {
	t.Helper()
	for {
		tokens, err := p.svc.Refresh(t.Context(), refresh)
		if err == nil {
			_, _, err = p.svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		}
		if !errors.Is(err, errors.ErrUnavailable) {
			require.NoError(t, err)
			return
		}
	}
}

// worstLag is how far p was behind the feed while f ran, at most.
func (p *instance) worstLag(f func()) (worst time.Duration) {
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			worst = max(worst, p.svc.RevocationLag())
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	defer func() {
		close(stop)
		looking.Wait()
	}()
	f()
	return
}

// exactRequests is how many requests of the long run come at exactly +Within.
const exactRequests = 10_000

// The long run: over 500 polls of each of two processes, 10,000 requests that come
// exactly two seconds after a revocation.
func TestF51_TenThousand(t *testing.T) {
	d := fresh(t, onMySQL)
	w := &world{db: d.pool(t, 4), hold: time.Second, sessions: 2, quiet: true}
	set := setting{Within: 2 * time.Second}
	w.processes = append(w.processes, start(t, d, set.config(), nil).serve(t, set))
	set.OnLag = session.LagAsk
	w.processes = append(w.processes, spawn(t, d, set, ""))
	w.play(t, load{users: 120, duration: 255 * time.Second, exact: exactRequests})
	polls := int(4 * w.took / set.Within)
	require.GreaterOrEqual(t, polls, 500)
	w.row(t, "F-51", "a request at exactly +2 s", "exact", w.sum.exact, "feed_polls", polls)
}

// Hints become visible late, and hosts of bugs are looked for on each engine.
func TestF51_FindBugsOnOthers(t *testing.T) {
	for _, bug := range bugs {
		for _, engine := range []string{onPostgres, onSQLite} {
			if engine != bug.not {
				t.Run(bug.name+", "+engine, func(t *testing.T) { findBug(t, engine, bug) })
			}
		}
	}
}
