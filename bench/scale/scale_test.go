package main

import (
	"context"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// testBed is an empty database on a real server.
func testBed(t *testing.T, l layout) *bed {
	t.Helper()
	b, err := openBed(t.Context(), settings{dsn: testdb.MySQLDSN(t), workers: 2, sharded: l == byHome})
	require.NoError(t, err)
	t.Cleanup(b.close)
	return b
}

func testPlan(l layout, sizes ...int) *plan {
	return &plan{seed: 7, now: time.Now().UnixMilli(), sizes: sizes, layout: l}
}

// inBothLayouts are those that a store can have.
func inBothLayouts(t *testing.T, test func(t *testing.T, l layout)) {
	t.Helper()
	for _, l := range []layout{byTime, byHome} {
		t.Run(l.String(), func(t *testing.T) { test(t, l) })
	}
}

// Each statement of the store finds its rows by an index.
func TestEveryStatementUsesAnIndex(t *testing.T) { inBothLayouts(t, everyStatementUsesAnIndex) }

func everyStatementUsesAnIndex(t *testing.T, l layout) {
	b := testBed(t, l)
	require.NoError(t, load(t.Context(), b.db, b.table, testPlan(l, 10_000), 0))
	steps, err := b.plans(t.Context())
	require.NoError(t, err)
	explained := map[string]bool{}
	for _, s := range steps {
		explained[s.method] = true
		require.False(t, s.bad, "%+v", s)
		require.Less(t, len(s.short()), 500, s.method)
	}
	require.Greater(t, len(steps), 20)
	for method := range reflect.TypeFor[session.Store]().Methods() {
		if method.Name != "Insert" && method.Name != "Sharded" { // look for nothing
			require.True(t, explained[method.Name], "no plan of %s", method.Name)
		}
	}
	after, err := b.spaceOf(t.Context(), b.table)
	require.NoError(t, err)
	require.Equal(t, 10_000, after.rows, "the table is as it was")
}

// What judges the plans must be able to say no.
func TestAStatementWithoutAnIndexIsFound(t *testing.T) {
	b := testBed(t, byTime)
	require.NoError(t, load(t.Context(), b.db, b.table, testPlan(byTime, 10_000), 0))
	require.NoError(t, b.analyse(t.Context(), b.table))
	for statement, bad := range map[string]bool{
		"SELECT handle FROM scale_sessions WHERE ip = 'x'":           true,
		"SELECT data FROM scale_sessions ORDER BY created_at":        true,
		"SELECT COUNT(*) FROM scale_sessions":                        true, // all of an index
		"UPDATE scale_sessions SET ip = '' WHERE user_agent = 'x'":   true,
		"DELETE FROM scale_sessions WHERE created_at < 1":            true,
		"SELECT data FROM scale_sessions WHERE expires_at < 1":       false,
		"UPDATE scale_sessions SET revoked_at = 1 WHERE handle = ''": false,
		"SELECT * FROM scale_sessions_meta":                          false,
	} {
		steps, err := b.explain(t.Context(), "", statement, nil)
		require.NoError(t, err)
		require.Len(t, steps, 1)
		require.Equal(t, bad, steps[0].bad, "%s: %+v", statement, steps[0])
	}
}

// A loaded row is, read by the store, what the plan says.
func TestLoadedRowsAreThoseOfThePlan(t *testing.T) { inBothLayouts(t, loadedRowsAreThoseOfThePlan) }

func loadedRowsAreThoseOfThePlan(t *testing.T, l layout) {
	b := testBed(t, l)
	p := testPlan(l, 3000, 8001)
	for k := range p.sizes {
		require.NoError(t, load(t.Context(), b.db, b.table, p, k))
	}
	for i := 0; i < 8001; i += 371 {
		want := p.row(i)
		found, err := b.store.Find(t.Context(), want.Handle)
		require.NoError(t, err)
		require.Equal(t, &want, found)
	}
	page, err := b.store.List(t.Context(), models.SessionsOfUser{UserID: p.user(1, 3), Now: p.now})
	require.NoError(t, err)
	require.Len(t, page.Sessions, heavy)
}

// The plan names every column of the table, and fills them as the service does:
// as long, and absent where that leaves them absent.
func TestLoadedRowsAreLikeCreatedOnes(t *testing.T) { inBothLayouts(t, loadedRowsAreLikeCreatedOnes) }

func loadedRowsAreLikeCreatedOnes(t *testing.T, l layout) {
	b := testBed(t, l)
	var all []string
	require.NoError(t, b.gorm.Raw("SELECT column_name FROM information_schema.columns "+
		"WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position", b.table).Scan(&all).Error)
	require.ElementsMatch(t, all, strings.Split(l.columns(), ", "))

	svc, err := service(t.Context(), b.store, 0, nil)
	require.NoError(t, err)
	defer svc.Close()
	w := &worker{bed: b, svc: svc, rng: newRand(1, 0)}
	tokens, err := w.create(t.Context(), uuid(w.rng))
	require.NoError(t, err)
	created, err := b.store.Find(t.Context(), tokens.Session.Handle())
	require.NoError(t, err)
	// As it is in the generator, before it is aged.
	loaded := newRow(newRand(2, 0), created.UserID, created.CreatedAt, l)
	loaded.IP, loaded.UserAgent = created.IP, created.UserAgent // of varying length
	require.Equal(t, lengths(*created), lengths(loaded))
	require.Equal(t, created.Handle[:9], loaded.Handle[:9], "the same user and time make the same beginning")
	require.Equal(t, created.ExpiresAt, loaded.ExpiresAt)
	require.NotEqual(t, created.Handle[13:], loaded.Handle[13:])
}

// lengths is the size of each column's value by its name.
func lengths(row models.Session) map[string]int {
	sizes := map[string]int{}
	args := values(nil, &row)
	for i, name := range strings.Split(columns, ", ") {
		switch v := args[i].(type) {
		case string:
			sizes[name] = len(v)
		case []byte:
			sizes[name] = len(v)
			if name == "refresh_prev_hash" && row.Lineage.Previous.IsZero() {
				sizes[name] = 0
			}
		case int64:
			sizes[name] = min(int(v), 1) // set or not
		}
	}
	return sizes
}

// A handle says what the kit reads in it, and is one to the kit.
func TestHandles(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixMilli()
	for l := range layouts {
		rng, seen := newRand(5, uint64(l)), map[string]bool{}
		for i := range 1000 {
			user := uuid(rng)
			handle := l.handle(rng, now+int64(i), user)
			require.True(t, token.ValidHandle(handle), handle)
			seen[handle] = true
			home, sharded := models.HomeOfHandle(handle)
			require.Equal(t, l == byHome, sharded)
			switch kit := token.NewShardedFamily(now+int64(i), home).Handle(); l {
			case byTime:
				kit = token.NewFamily(now + int64(i)).Handle()
				require.Equal(t, kit[:9], handle[:9])
				require.Len(t, handle, len(kit))
			case byHome:
				require.Equal(t, models.HomeOf(user), home)
				require.Equal(t, kit[:12], handle[:12])
				require.Len(t, handle, len(kit))
			default: // at random: nothing of it is the kit's
			}
		}
		require.Len(t, seen, 1000)
		require.NotEqual(t, l.handle(rng, now, "ada"), l.handle(rng, now, "ada"))
	}
}

func TestPlanOfUsers(t *testing.T) {
	t.Parallel()
	p := testPlan(byTime, 3000, 10_000)
	of := map[string][]int{}
	handles := map[string]bool{}
	last := ""
	for i := range 10_000 {
		row := p.row(i)
		of[row.UserID] = append(of[row.UserID], i)
		handles[row.Handle] = true
		require.Less(t, last, row.Handle, "handles are in the order of the rows")
		last = row.Handle
		require.True(t, row.LiveAt(p.now+time.Hour.Milliseconds()-1), "row %d ends too early", i)
		require.LessOrEqual(t, row.ExpiresAt, p.now+idle)
		require.LessOrEqual(t, row.CreatedAt, row.LastUsedAt)
		require.Equal(t, row.Lineage.Generation == 0, row.Lineage.Previous.IsZero())
	}
	require.Len(t, handles, 10_000)
	users := map[int]int{}
	for _, rows := range of {
		users[len(rows)]++
	}
	require.Equal(t, 10_000/(10*heavy), users[heavy])
	for n := 1; n <= 5; n++ {
		require.InDelta(t, 0.9*10_000/crowd, users[n], 3, "users with %d sessions", n)
	}
	// The sessions of a user are spread over the stage, not side by side.
	for k, stage := range []stage{p.stage(0), p.stage(1)} {
		rows := of[p.user(k, 2)]
		require.Len(t, rows, heavy)
		require.Greater(t, slices.Max(rows)-slices.Min(rows), stage.n*3/4)
	}
	require.NotEqual(t, slices.Sorted(maps.Keys(handles))[0], (&plan{seed: 8, now: p.now, sizes: p.sizes}).row(0).Handle)
}

// The whole program at its smallest, with all that it writes.
func TestRun(t *testing.T) { inBothLayouts(t, wholeRun) }

func wholeRun(t *testing.T, l layout) {
	out, name, flags := t.TempDir(), "scale", []string{}
	if l == byHome {
		name, flags = "scale-sharded", []string{"-sharded"}
	}
	cfg, err := mysql.ParseDSN(testdb.MySQLDSN(t))
	require.NoError(t, err)
	t.Setenv(envDSN, cfg.FormatDSN())
	t.Setenv(envAdminDSN, "")
	require.NoError(t, run(t.Context(), append(flags,
		"-sizes", "10000,12000", "-pk", "12000", "-workers", "4", "-warm", "100ms", "-slice", "200ms", "-measure", "400ms",
		"-cleanup", "1500", "-cleanup-before", "100ms", "-pk-slice", "100ms", "-pk-rounds", "2", "-out", out), io.Discard))
	for ending, parts := range map[string][]string{
		".txt": {
			`operation sessions=12000 name="promote" n=`, `key rows=12000 pool="128 MiB" layout="sharded by home" n=`,
			`layout="random" name="list 20, loaded rows" n=`, `space table=scale_sessions layout="` + l.String() + `" rows=12000`,
		},
		".md":  {"# Cost by the size of the table, " + l.String(), "- layout: " + l.describe(), "| revoke all 20 |", "| 10 k |", "| 12 k |", "rows/s", "| random |"},
		".svg": {"<svg", l.String(), "p99: store, loaded rows", "sessions in the table", "milliseconds"},
	} {
		text, err := os.ReadFile(out + "/" + name + ending)
		require.NoError(t, err)
		for _, part := range parts {
			require.Contains(t, string(text), part, name+ending)
		}
		if ending == ".txt" {
			require.Regexp(t, `cleanup ended=1500 removed=1[5-8]\d\d `, string(text))
		}
	}
	files, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Len(t, files, 3, "nothing of the other layout")
}

func TestSettings(t *testing.T) {
	t.Setenv(envDSN, "app@tcp(127.0.0.1:1)/app")
	for args, problem := range map[string]string{
		"-sizes 100":                 "-sizes",
		"-sizes 10000,9000":          "-sizes",
		"-sizes 10000,10500":         "-sizes",
		"-sizes 10000 -pk 20000":     "-pk",
		"-workers 0":                 "-workers",
		"-slice 0s":                  "-slice",
		"-sizes ten":                 "invalid",
		"-sizes 10000,50000 -pk 10k": "invalid",
	} {
		_, err := parseSettings(strings.Fields(args))
		require.ErrorContains(t, err, problem, args)
	}
	s, err := parseSettings(nil)
	require.NoError(t, err)
	require.Equal(t, []int{10_000, 1_000_000, 10_000_000}, s.sizes)
	require.Equal(t, []int{1_000_000}, s.keyed)
	s, err = parseSettings([]string{"-pk", "none", "-sizes", "20000"})
	require.NoError(t, err)
	require.Empty(t, s.keyed)
	require.Equal(t, 10_000, s.cleanup, "never more than half")
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	upTo := func(n int) (samples []time.Duration) {
		for i := range n {
			samples = append(samples, time.Duration(i+1))
		}
		return samples
	}
	for _, row := range []struct {
		samples []time.Duration
		q       float64
		want    time.Duration
	}{
		{nil, 0.5, 0},
		{upTo(1), 0.5, 1},
		{upTo(1), 0.99, 1},
		{upTo(2), 0.5, 1},
		{upTo(3), 0.5, 2},
		{upTo(100), 0.5, 50},
		{upTo(100), 0.99, 99},
		{upTo(101), 0.99, 100},
		{upTo(1000), 0.99, 990},
		{upTo(10), 0, 1},
		{upTo(10), 1, 10},
	} {
		require.Equal(t, row.want, quantile(row.samples, row.q), "%d samples, %v", len(row.samples), row.q)
	}
	require.Equal(t, summary{3, 2, 9}, summarise([]time.Duration{9, 1, 2}))
}

func TestParallelReturnsTheFirstError(t *testing.T) {
	t.Parallel()
	ended := 0
	err := parallel(t.Context(), 2, func(ctx context.Context, number int) error {
		if number == 0 {
			return os.ErrInvalid
		}
		<-ctx.Done()
		ended++
		return ctx.Err()
	})
	require.ErrorIs(t, err, os.ErrInvalid)
	require.Equal(t, 1, ended)
}
