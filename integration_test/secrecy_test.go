package integration_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Nothing secret reaches a log at any level, GORM's slow log included (LOG-01, KEY-12).
func TestSecrecy_Logs(t *testing.T) {
	t.Parallel()
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		gormLog := &rig.Log{}
		db := e.db(t).Session(&gorm.Session{Logger: logger.New(log.New(gormLog, "", 0), logger.Config{
			LogLevel: logger.Info, SlowThreshold: time.Nanosecond,
		})})
		a := startOn(t, rig.Migrated(t, db), at(time.Now()))
		a.db = db

		const payload, data = "canary-payload-4711", "canary-data-4712"
		user := a.browser()
		user.ok(user.do(http.MethodPost, "/login", map[string]any{"user": "u", "payload": map[string]string{"p": payload}, "data": data}))
		secrets := []string{payload, data}
		gather := func() {
			secrets = append(secrets, user.cookie("/", "sAccessToken"), user.cookie(refreshPath, "sRefreshToken"), user.AntiCSRF())
		}
		gather()
		thief := user.copy()
		handle := user.handle()
		row := a.row(handle)
		secrets = append(secrets, hashForms(row.Lineage.Current[:])...)
		user.ok(user.refresh())
		gather()
		user.ok(user.do(http.MethodPut, "/data", data+"-again"))
		user.get("/data")
		require.Equal(t, theftBody, thief.refresh().Body)
		provokeErrors(t, a, user)

		keys, err := a.Store.Keys(t.Context(), 0)
		require.NoError(t, err)
		for _, key := range keys {
			secrets = append(secrets, hashForms(key.Secret)...)
		}
		logs := a.Log.String() + gormLog.String()
		require.Contains(t, logs, "token_theft")
		require.Contains(t, gormLog.String(), "UPDATE", "GORM did log statements")
		for _, secret := range append(secrets, handle) {
			require.NotEmpty(t, secret)
			require.NotContains(t, logs, secret)
		}
	})
}

// provokeErrors makes statements fail with their values bound.
func provokeErrors(t *testing.T, a *story, user *browser) {
	t.Helper()
	row := a.row(user.peekHandle())
	row.Lineage.Current[0]++
	err := a.Store.Insert(t.Context(), row)
	require.Error(t, err)
	require.NotContains(t, err.Error(), row.Handle)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = a.Store.Find(canceled, row.Handle)
	require.Error(t, err)
}

func hashForms(b []byte) []string {
	return []string{
		string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
		base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b), strings.Trim(fmt.Sprintf("%d", b), "[]"),
	}
}

// The database holds no token text, nor anything that makes one (TOK-02).
func TestSecrecy_Database(t *testing.T) {
	t.Parallel()
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		var secrets [][]byte
		for i := range 20 {
			tokens, err := a.Svc.Create(t.Context(), fmt.Sprint("user", i))
			require.NoError(t, err)
			refreshed, err := a.Svc.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			_, _, err = a.Svc.Verify(t.Context(), refreshed.Access.Value, refreshed.AntiCSRF)
			require.NoError(t, err)
			for _, text := range []string{tokens.Refresh.Value, refreshed.Refresh.Value} {
				raw, err := base64.RawURLEncoding.DecodeString(text)
				require.NoError(t, err)
				// The last 64 bytes are the token's own secret and its MAC.
				secrets = append(secrets, []byte(text), raw[len(raw)-64:len(raw)-32], raw[len(raw)-32:])
			}
			secrets = append(secrets, []byte(refreshed.Access.Value), []byte(refreshed.AntiCSRF))
		}
		dump := dumpTable(t, a.db, "auth_sessions")
		require.Greater(t, len(dump), 20*64)
		for _, secret := range secrets {
			for i := 0; i+16 <= len(secret); i += 4 {
				require.False(t, bytes.Contains(dump, secret[i:i+16]), "the database holds part of a token")
			}
		}
	})
}

func dumpTable(t *testing.T, db *gorm.DB, table string) []byte {
	t.Helper()
	var rows []map[string]any
	require.NoError(t, db.Table(table).Find(&rows).Error)
	var dump bytes.Buffer
	for _, row := range rows {
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				dump.Write(b)
				continue
			}
			fmt.Fprint(&dump, v)
		}
	}
	return dump.Bytes()
}

// A handle is no credential (TOK-09), and prints show no secrets (TOK-12).
func TestSecrecy_Handles(t *testing.T) {
	t.Parallel()
	a := start(t, memory)
	user := a.signedIn("user")
	handle := user.handle()
	stranger := a.browser()
	for _, name := range []string{"sAccessToken", "sRefreshToken", "sIdRefreshToken", "handle"} {
		require.Empty(t, stranger.Cookies().Set(urlOf("/"), []string{name + "=" + handle + "; Path=/; Secure"}))
	}
	require.Equal(t, http.StatusUnauthorized, stranger.get("/me").Status)
	require.Equal(t, http.StatusUnauthorized, stranger.refresh().Status)

	tokens, err := a.Svc.Create(t.Context(), "user", session.WithPayload("canary"))
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{tokens, *tokens, tokens.Access, tokens.Refresh, tokens.Session, struct{ T session.Token }{tokens.Access}} {
			printed := fmt.Sprintf(verb, v)
			for _, secret := range []string{tokens.Access.Value, tokens.Refresh.Value, tokens.AntiCSRF, "canary"} {
				require.NotContains(t, printed, secret)
				require.NotContains(t, printed, hex.EncodeToString([]byte(secret)))
			}
		}
	}
}
