package bench_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// promoters is how many writers promote at once.
const promoters = 8

// TestEndsOnAGrid says what the grid of idle ends is worth: promotions of so many
// sessions as SESSIONKIT_PROMOTED says, each used every hour or every day for as long
// as a whole number of steps of the grid takes, with ends on the grid and with ends as
// they come. The store and its statement are the kit's; only the end that is asked for
// differs. Three times, by turns.
func TestEndsOnAGrid(t *testing.T) {
	sessions, _ := strconv.Atoi(os.Getenv("SESSIONKIT_PROMOTED"))
	if sessions == 0 {
		t.Skip("set SESSIONKIT_PROMOTED, such as 4000: it takes minutes and the whole machine")
	}
	const idle = 100 * 24 * time.Hour
	asItComes := func(use time.Time) int64 { return use.Add(idle).UnixMilli() }
	onGrid := func(use time.Time) int64 { return testpage.IdleEnd(use, idle).UnixMilli() }
	for range 3 {
		for _, user := range []struct {
			name  string
			every time.Duration
			times int
		}{{"hourly", time.Hour, 75}, {"daily", 24 * time.Hour, 25}} {
			for _, as := range []struct {
				name string
				end  func(time.Time) int64
			}{{"as it comes", asItComes}, {"on the grid", onGrid}} {
				t.Run(user.name+", "+as.name, func(t *testing.T) {
					p := newPromotions(t, sessions, as.end)
					p.run(user.every, user.times)
				})
			}
		}
	}
}

// promotions are those of a table of sessions.
type promotions struct {
	t     *testing.T
	store *gormstore.Store
	raw   *sql.DB
	end   func(time.Time) int64
	now   time.Time
	rows  []*promoted
	took  [promoters][]time.Duration
}

type promoted struct {
	handle  string
	current models.Hash
}

func newPromotions(t *testing.T, sessions int, end func(time.Time) int64) *promotions {
	t.Helper()
	db := testdb.MySQL(t, "interpolateParams=true")
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	raw, err := db.DB()
	require.NoError(t, err)
	raw.SetMaxOpenConns(promoters)
	raw.SetMaxIdleConns(promoters)
	p := &promotions{t: t, store: store, raw: raw, end: end, now: time.UnixMilli(1_795_000_000_000)}
	for page := range slices.Chunk(make([]struct{}, sessions), 500) {
		var values []string
		var args []any
		for range page {
			one := &promoted{handle: handle(len(p.rows)), current: models.Hash(sha256.Sum256([]byte(handle(len(p.rows)))))}
			p.rows = append(p.rows, one)
			made := row(one.handle)
			made[2], made[11] = one.current[:], end(p.now)
			args = append(args, made...)
			values = append(values, "(?"+strings.Repeat(", ?", len(made)-1)+")")
		}
		_, err := raw.ExecContext(t.Context(), "INSERT INTO auth_sessions ("+columns+") VALUES "+strings.Join(values, ", "), args...)
		require.NoError(t, err)
	}
	rand.Shuffle(len(p.rows), func(i, j int) { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] })
	return p
}

// run promotes all sessions so many times, one after the other within each period.
func (p *promotions) run(every time.Duration, times int) {
	p.t.Helper()
	before, moved := p.settled(), 0
	var redo []int
	for range times {
		was := p.settled()
		moved += p.period(every)
		redo = append(redo, (p.settled().redo-was.redo)/len(p.rows))
	}
	after, n := p.settled(), times*len(p.rows)
	took := slices.Concat(p.took[:]...)
	slices.Sort(took)
	slices.Sort(redo)
	each := func(a, b int) float64 { return float64(b-a) / float64(n) }
	p.t.Logf("%d promotions, %.3f of them moved the end: each %.0f bytes of redo (periods: %d to %d, median %d),"+
		" %.2f page changes; p50 %v, p99 %v", n, float64(moved)/float64(n), each(before.redo, after.redo),
		redo[0], redo[len(redo)-1], redo[len(redo)/2], each(before.pages, after.pages),
		took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
}

// period lets all sessions be used once, and says how many ends that moved.
func (p *promotions) period(every time.Duration) int {
	var all sync.WaitGroup
	moved := make([]int, promoters)
	for w := range promoters {
		all.Go(func() {
			for i := w; i < len(p.rows); i += promoters {
				use := p.now.Add(every * time.Duration(i) / time.Duration(len(p.rows)))
				if p.end(use) != p.end(use.Add(-every)) {
					moved[w]++
				}
				began := time.Now()
				if !p.promote(p.rows[i], use) {
					return
				}
				p.took[w] = append(p.took[w], time.Since(began))
			}
		})
	}
	all.Wait()
	p.now = p.now.Add(every)
	sum := 0
	for _, n := range moved {
		sum += n
	}
	return sum
}

func (p *promotions) promote(one *promoted, use time.Time) bool {
	step := models.Advance{
		Handle: one.handle, From: one.current, To: models.Hash(sha256.Sum256(one.current[:])), Previous: one.current,
		IssuedAt: use.UnixMilli(), Generation: 1, ExpiresAt: p.end(use), Now: use.UnixMilli(),
	}
	done, err := p.store.Advance(p.t.Context(), step)
	if err != nil || !done {
		p.t.Errorf("promoting: %v, %v", done, err)
		return false
	}
	one.current = step.To
	return true
}

// effort is what InnoDB has done so far.
type effort struct{ redo, pages int }

// settled is the effort once the old versions of rows have been purged, which is part
// of it: an entry of an index that was left is removed then.
func (p *promotions) settled() effort {
	p.t.Helper()
	// MariaDB keeps the newest history, so that its length stays above zero.
	for length, same := -1, 0; same < 5; time.Sleep(5 * time.Millisecond) {
		now := p.status("Innodb_history_list_length")
		if same++; now != length {
			length, same = now, 0
		}
	}
	return effort{p.status("Innodb_lsn_current"), p.status("Innodb_buffer_pool_write_requests")}
}

func (p *promotions) status(name string) (value int) {
	p.t.Helper()
	require.NoError(p.t, p.raw.QueryRowContext(p.t.Context(), fmt.Sprintf("SHOW GLOBAL STATUS LIKE '%s'", name)).Scan(&name, &value), name)
	return value
}
