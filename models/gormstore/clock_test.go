package gormstore_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
)

// The clock of the feed is UTC, whatever the session's time zone, sql_mode or DSN say:
// zones differ by half an hour at least, and the servers are this machine's.
func TestClockOfTheFeed(t *testing.T) {
	t.Parallel()
	zone := func(name string) string { return "time_zone=" + url.QueryEscape("'"+name+"'") }
	open := map[string]func(*testing.T) *gorm.DB{
		"sqlite": openSQLite,
		"postgres": func(t *testing.T) *gorm.DB {
			return reopenedPostgres(t, "timezone = 'Asia/Kathmandu'", func(*pgx.ConnConfig) {})
		},
		"postgres, in text": func(t *testing.T) *gorm.DB {
			return reopenedPostgres(t, "timezone = 'Pacific/Apia'", func(c *pgx.ConnConfig) {
				c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
			})
		},
	}
	for name, params := range map[string]string{
		"zone":          zone("+05:45"),
		"zone, in text": zone("-09:30") + "&interpolateParams=true&parseTime=true&loc=Pacific%2FApia",
		"loc":           "parseTime=true&loc=Asia%2FKathmandu",
		"no sql_mode":   zone("+13:00") + "&sql_mode=''&parseTime=false",
		"sql_mode":      "sql_mode=" + url.QueryEscape("'ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES'") + "&" + zone("-11:00"),
	} {
		open["mysql, "+name] = func(t *testing.T) *gorm.DB { return testdb.MySQL(t, params) }
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t, open(t))
			before := time.Now().UnixMilli()
			require.NoError(t, store.WriteHint(t.Context(), models.Hint{Kind: models.HintAll}))
			page, err := store.ReadFeed(t.Context(), models.FeedQuery{})
			require.NoError(t, err)
			require.Len(t, page.Hints, 1)
			const near = 20 * 60 * 1000
			require.InDelta(t, before, page.Hints[0].At, near)
			require.InDelta(t, before, page.Clock, near)
		})
	}
}
