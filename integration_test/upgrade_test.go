package integration_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/session"
)

// recorded is a browser's jar of commit 8657026.
type recorded struct{ Access, Refresh, AntiCSRF string }

// recordedAt is just after the recording.
func recordedAt() time.Time { return time.Date(2026, 5, 4, 3, 3, 0, 0, time.UTC) }

const upgradeFrom = "testdata/8657026"

// A deploy that replaces all instances of commit 8657026 logs nobody out: its tables are
// migrated and its browsers go on with what they have.
//
// testdata/8657026 was made by that commit on MariaDB 10.11, on 2026-05-04 at 03:02:01 by
// the service's clock, by a test of this package over HTTP: five users signed in (payload
// {"role":"admin"}, data [1,2]) and were left as the names in jars.json say. clear.sql and
// sealed.sql are SHOW CREATE TABLE and all rows, without and with SigningKey.Encryption.
// record_test.go.txt is that test.
func TestUpgrade_JarsAndTablesGoOn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		tables string
		change []func(*session.Config)
	}{
		"keys in clear":  {"clear", nil},
		"encrypted keys": {"sealed", []func(*session.Config){encrypted}},
		"keys in clear, to be encrypted with this deploy": {"clear", []func(*session.Config){
			encrypted, func(c *session.Config) { c.SigningKey.AllowClearKeys = true },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upgraded(t, row.tables, row.change...)
		})
	}
}

func encrypted(c *session.Config) {
	c.SigningKey.Encryption = [][]byte{[]byte("0123456789abcdefghijklmnopqrstuv")}
}

func upgraded(t *testing.T, tables string, change ...func(*session.Config)) {
	t.Helper()
	db := testdb.MySQL(t)
	load(t, db, tables)
	a := startOn(t, rig.Migrated(t, db), at(recordedAt()), change...)
	jars := readJars(t)[tables]
	signedIn, refreshed, used := a.with(jars["signed in"]), a.with(jars["refreshed"]), a.with(jars["used"])
	robbed, robber := a.with(jars["robbed"]), a.with(jars["robber"])

	// The access tokens of before, a promoted one and one that is yet to be.
	for user, b := range map[string]*browser{"ada": signedIn, "bob": refreshed, "cleo": used, "dora": robbed} {
		b.isUserOfBefore(user)
	}
	before := kids(t, refreshed, used)
	for _, b := range []*browser{signedIn, refreshed} {
		require.JSONEq(t, `{"data":[1,2]}`, b.ok(b.get("/data")).Body)
	}

	// Refresh, promotion, and the same again with tokens of the new form.
	for user, b := range map[string]*browser{"ada": signedIn, "bob": refreshed} {
		handle := b.peekHandle()
		for range 2 {
			b.ok(b.refresh())
			b.isUserOfBefore(user)
			require.Equal(t, handle, b.peekHandle())
		}
	}
	require.Subset(t, kids(t, a.signedIn("fay")), before, "the keys of before go on to sign")

	// Expired meanwhile.
	a.Clock.Advance(2 * time.Hour)
	require.Equal(t, tryRefreshBody, used.get("/me").Body)
	used.ok(used.refresh())
	used.isUserOfBefore("cleo")
	require.JSONEq(t, `{"data":{"cart":3}}`, used.ok(used.get("/data")).Body)

	// What was replaced before the deploy is theft after it.
	require.Empty(t, a.thefts)
	require.Equal(t, theftBody, robber.refresh().Body)
	require.Equal(t, "dora", (<-a.thefts).UserID)
	require.Equal(t, unauthorisedBody, robbed.refresh().Body)

	for _, b := range []*browser{signedIn, refreshed, used} {
		stolen := b.copy()
		b.ok(b.refresh())
		b.ok(b.do(http.MethodPost, signOutPath, nil))
		b.lostCookies()
		require.Equal(t, unauthorisedBody, stolen.refresh().Body)
	}
	require.Empty(t, a.thefts)
}

// with is a browser that was there before the deploy.
func (a *story) with(jar recorded) *browser {
	a.t.Helper()
	require.NotEmpty(a.t, jar.Refresh)
	b := a.browser()
	b.SetAntiCSRF(jar.AntiCSRF)
	require.Empty(a.t, b.Cookies().Set(urlOf("/"), []string{
		"sAccessToken=" + jar.Access + "; Path=/; Secure", "sRefreshToken=" + jar.Refresh + "; Path=" + refreshPath + "; Secure",
	}))
	return b
}

func (b *browser) isUserOfBefore(user string) {
	b.t.Helper()
	var me struct {
		User    string
		Payload struct{ Role string }
	}
	require.NoError(b.t, json.Unmarshal([]byte(b.ok(b.get("/me")).Body), &me))
	require.Equal(b.t, user, me.User)
	require.Equal(b.t, "admin", me.Payload.Role)
}

// kids are the keys of the access tokens.
func kids(t *testing.T, browsers ...*browser) (list []string) {
	t.Helper()
	for _, b := range browsers {
		list = append(list, keyID(t, b.cookie("/", "sAccessToken")))
	}
	return list
}

func load(t *testing.T, db *gorm.DB, tables string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(upgradeFrom, tables+".sql")) //nolint:gosec // our own testdata
	require.NoError(t, err)
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) != "" {
			require.NoError(t, db.Exec(statement).Error)
		}
	}
}

func readJars(t *testing.T) (jars map[string]map[string]recorded) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(upgradeFrom, "jars.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &jars))
	return jars
}
