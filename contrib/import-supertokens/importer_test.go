package importsupertokens_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	importsupertokens "github.com/gin-sessionkit/sessionkit/contrib/import-supertokens"
	"github.com/gin-sessionkit/sessionkit/errors"
)

// Which sessions are not to be had: those that are none of the app's in this database,
// and those that are over.
var (
	notOurs = map[string]bool{"other app": true, "unknown key": true, "elsewhere": true}
	over    = map[string]bool{"expired": true, "revoked": true, "crossed": true}
)

// What the generator wrote is read as the core would, whichever way the cookie is
// written.
func TestImport_generated(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]func(*testing.T) []byte{"recorded": recorded, "fresh": generate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, text(t))
			require.Len(t, r.Sessions, 20)
			for _, s := range r.Sessions {
				for _, token := range []string{s.Replaced, s.Current, s.Child} {
					if token == "" {
						require.Equal(t, "young", s.Name)
						continue
					}
					checkRead(t, r, s, token)
				}
			}
		})
	}
}

func checkRead(t *testing.T, r *rig, s oldSession, token string) {
	t.Helper()
	for _, form := range []string{token, url.QueryEscape(token)} {
		old, err := r.Import(t.Context(), form)
		require.NoError(t, err, s.Name)
		if notOurs[s.Name] {
			require.Nil(t, old, s.Name)
			continue
		}
		require.NotNil(t, old, s.Name)
		require.Equal(t, "public/"+s.Tenant+"/"+s.Handle, old.Handle)
		require.Equal(t, s.User, old.UserID, s.Name)
		require.Equal(t, over[s.Name], old.Ended, s.Name)
		if !old.Ended {
			require.Equal(t, token == s.Replaced, old.Replaced, s.Name)
			require.WithinDuration(t, time.Now().Add(-24*time.Hour), old.CreatedAt, time.Minute)
			require.WithinDuration(t, time.Now().Add(100*24*time.Hour), old.ExpiresAt, time.Minute)
		}
	}
}

func TestImport_values(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	for name, want := range map[string][2]string{
		"plain":    {`{"n":12345678901234567890.10,"role":"editor","tId":"public"}`, `{"cart":[1,2.5],"note":"<b>"}`},
		"young":    {`{"tId":"public"}`, `{}`},
		"at acme":  {`{"role":"owner","tId":"acme"}`, `{}`},
		"reserved": {`{"aud":"shop","exp":7,"role":"editor","tId":"public"}`, `{}`},
	} {
		old := r.read(t, r.named(t, name).Current)
		require.Equal(t, []any{json.RawMessage(want[0]), json.RawMessage(want[1])}, []any{old.Payload, old.Data}, name)
	}
}

// No other text is a token: not one with a character changed, nor another form of one.
func TestImport_altered(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	for _, name := range []string{"plain", "at acme", "guarded"} {
		token := r.named(t, name).Child
		for form, text := range alteredForms(token, r.named(t, "young").Current) {
			old, err := r.Import(t.Context(), text)
			require.NoError(t, err, form)
			require.Nil(t, old, "%s: %s", name, form)
		}
	}
}

func alteredForms(token, other string) map[string]string {
	parts := strings.Split(token, ".")
	sealed, nonce := parts[0], parts[1]
	forms := map[string]string{
		"empty": "", "dots": "..", "dots and a version": "..V2", "no version": sealed + "." + nonce, "a part more": token + ".V2",
		"a dot more": token + ".", "no nonce": sealed + "..V2", "another nonce": sealed + "." + nonce[1:] + "0.V2",
		"another token's nonce": sealed + "." + strings.Split(other, ".")[1] + ".V2",
		"a nonce in capitals":   sealed + "." + strings.ToUpper(nonce) + ".V2",
		"V1":                    sealed + "." + nonce + ".V1", "V0": sealed + "." + nonce + ".V0", "v2": sealed + "." + nonce + ".v2",
		"a V0 token": "0d6b1b0e-5b0e-4c0e-8f0e-0123456789ab.V0", "a space": token + " ", "a space before": " " + token,
		"no padding": strings.TrimRight(sealed, "=") + "." + nonce + ".V2", "more padding": sealed + "=." + nonce + ".V2",
		"a line end": sealed[:10] + "\n" + sealed[10:] + "." + nonce + ".V2",
		"URL-safe":   strings.NewReplacer("+", "-", "/", "_").Replace(sealed) + "." + nonce + ".V2",
		"too long":   strings.Repeat("A", 2100) + "." + nonce + ".V2", "long escapes": strings.Repeat("%41", 1300) + "." + nonce + ".V2",
		"a bad escape": token + "%zz", "escaped twice": url.QueryEscape(url.QueryEscape(token)), "short": "AAAA." + nonce + ".V2",
		"the iv alone": "AAAAAAAAAAAAAAAA." + nonce + ".V2", "the tag cut": sealed[:len(sealed)-4] + "." + nonce + ".V2",
	}
	if !strings.ContainsAny(sealed, "+/") {
		delete(forms, "URL-safe")
	}
	if !strings.HasSuffix(sealed, "=") {
		delete(forms, "no padding")
	}
	for i := range len(token) {
		b := []byte(token)
		if b[i]++; b[i] == '%' {
			b[i]++
		}
		forms[fmt.Sprint("character ", i)] = string(b)
		forms[fmt.Sprint("without character ", i)] = token[:i] + token[i+1:]
	}
	return forms
}

// Which sessions have ended: as the core has it, and only theirs.
func TestImport_ended(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	plain := r.named(t, "plain")
	old := r.read(t, plain.Current)
	r.exec(t, "UPDATE session_info SET expires_at = ? WHERE session_handle = ?", time.Now().Add(-time.Second).UnixMilli(), plain.Handle)
	for _, token := range []string{plain.Replaced, plain.Current, plain.Child} {
		ended := r.read(t, token)
		require.True(t, ended.Ended)
		require.Equal(t, []any{old.Handle, old.CreatedAt, old.UserID}, []any{ended.Handle, ended.CreatedAt, ended.UserID}, "what was made of it is still found")
	}
	r.exec(t, "DELETE FROM session_info WHERE session_handle = ?", plain.Handle)
	ended := r.read(t, plain.Current)
	require.True(t, ended.Ended)
	require.Equal(t, plain.User, ended.UserID)
	require.Positive(t, ended.CreatedAt.UnixMilli(), "the kit takes no time before 1970")
}

// A session is that of its tenant, and of its app, and of no other that has a row of
// its name.
func TestImport_tenants(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	acme, home := r.named(t, "at acme"), r.named(t, "at home")
	require.True(t, strings.HasSuffix(acme.Handle, "_acme"))
	require.Equal(t, r.read(t, home.Current).UserID, r.read(t, acme.Current).UserID, "a user is one for all tenants")
	for _, at := range []string{"app_id = 'public', tenant_id = 'public'", "app_id = 'shop', tenant_id = 'acme'"} {
		r.exec(t, "UPDATE session_info SET "+at+" WHERE session_handle = ?", acme.Handle)
		require.True(t, r.read(t, acme.Current).Ended, at)
	}
	r.exec(t, "UPDATE session_info SET app_id = 'public', tenant_id = 'acme' WHERE session_handle = ?", acme.Handle)
	require.False(t, r.read(t, acme.Current).Ended)
	r.exec(t, "DELETE FROM tenants WHERE tenant_id = 'acme'")
	old, err := r.Import(t.Context(), acme.Current)
	require.NoError(t, err)
	require.Nil(t, old, "a tenant that is not here")

	shop, err := importsupertokens.New(t.Context(), r.db, importsupertokens.Config{AppID: "shop"})
	require.NoError(t, err)
	old, err = shop.Import(t.Context(), r.named(t, "other app").Current)
	require.NoError(t, err)
	require.False(t, old.Ended)
	for _, name := range []string{"plain", "crossed"} {
		old, err = shop.Import(t.Context(), r.named(t, name).Current)
		require.NoError(t, err)
		require.Nil(t, old, name)
	}
}

// The user of a row is the primary one, whose ids are read by the letter.
func TestImport_users(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	mapped, plain := r.named(t, "mapped"), r.named(t, "plain")
	r.exec(t, "UPDATE userid_mapping SET external_user_id = 'ADA@example.com' WHERE external_user_id = 'ada@example.com'")
	require.Equal(t, "ada@example.com", r.read(t, mapped.Current).UserID, "a mapping of another id")
	// The row decides, as in the core, and not the user that the token names.
	r.exec(t, "UPDATE session_info SET user_id = ? WHERE session_handle = ?", plain.User, mapped.Handle)
	require.Equal(t, plain.User, r.read(t, mapped.Current).UserID)
	r.exec(t, "UPDATE session_info SET user_id = 'nobody''s' WHERE session_handle = ?", mapped.Handle)
	require.Equal(t, "nobody's", r.read(t, mapped.Current).UserID)
}

func TestRevokeUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	gone := func(user string, names ...string) {
		t.Helper()
		before := r.handles(t)
		require.NoError(t, r.RevokeUser(t.Context(), user))
		want := []string{}
		for _, name := range names {
			want = append(want, r.named(t, name).Handle)
		}
		after := r.handles(t)
		require.Len(t, after, len(before)-len(names), user)
		for _, handle := range want {
			require.NotContains(t, after, handle, user)
		}
	}
	gone("nobody")
	gone("the-second") // is an account of the-primary's, and no user
	gone("the-primary", "linked", "linked and mapped", "mapped since")
	gone("case", "lower case")
	gone("case")
	gone("CASE", "upper case")
	gone("ada@example.com", "mapped")
	gone(r.named(t, "foreign").User, "foreign")
	gone(r.named(t, "at home").User, "at home", "at acme")
	gone(r.named(t, "other app").User) // of another app
	gone(r.named(t, "crossed").User)
	for i := range 1100 {
		r.exec(t, "INSERT INTO session_info VALUES ('public', 'acme', ?, 'many', 'x', '{}', 1, 1, '{}', 0)", fmt.Sprint("many", i))
	}
	before := len(r.handles(t))
	require.NoError(t, r.RevokeUser(t.Context(), "many"))
	require.Len(t, r.handles(t), before-1100)
}

// An external id that is somebody else's own one, which the core lets be forced.
func TestRevokeUser_forcedMapping(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	ada, plain := r.named(t, "mapped"), r.named(t, "plain")
	r.exec(t, "UPDATE userid_mapping SET external_user_id = ? WHERE external_user_id = 'ada@example.com'", plain.User)
	r.exec(t, "UPDATE session_info SET user_id = ? WHERE session_handle = ?", plain.User, ada.Handle)
	require.Equal(t, r.read(t, ada.Current).UserID, r.read(t, plain.Current).UserID, "the rows cannot be told apart")
	require.NoError(t, r.RevokeUser(t.Context(), plain.User))
	require.NotContains(t, r.handles(t), plain.Handle)
	require.NotContains(t, r.handles(t), ada.Handle)
}

// A database of before utf8mb4 has other users than those whose ids it cannot write.
func TestRevokeUser_olderEncodings(t *testing.T) {
	t.Parallel()
	for encoding, ids := range map[string][]string{"utf8mb3": {"😀"}, "latin1": {"😀", "世界"}} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, recorded(t))
			mapped := r.named(t, "mapped")
			r.exec(t, "DELETE FROM session_info WHERE session_handle = ?", r.named(t, "foreign").Handle)
			for _, table := range []string{"key_value", "tenants", "session_info", "app_id_to_user_id", "userid_mapping"} {
				r.exec(t, "ALTER TABLE "+table+" CONVERT TO CHARACTER SET "+encoding)
			}
			r.exec(t, "UPDATE userid_mapping SET external_user_id = 'Grüße' WHERE external_user_id = 'ada@example.com'")
			r.exec(t, "UPDATE session_info SET user_id = 'Grüße' WHERE session_handle = ?", mapped.Handle)
			require.Equal(t, "Grüße", r.read(t, mapped.Current).UserID)
			before := r.handles(t)
			for _, id := range ids {
				require.NoError(t, r.RevokeUser(t.Context(), id))
			}
			require.Equal(t, before, r.handles(t))
			require.NoError(t, r.RevokeUser(t.Context(), "Grüße"))
			require.Len(t, r.handles(t), len(before)-1)
			require.NotContains(t, r.handles(t), mapped.Handle)
		})
	}
}

func TestDeleteEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	all := len(r.handles(t))
	r.exec(t, "UPDATE session_info SET expires_at = 1000 WHERE user_id IN ('the-second', 'case') OR app_id = 'shop'")
	for _, want := range []int{2, 2, 0} { // CASE too, and the one that had expired; none of the shop's
		n, err := r.DeleteEnded(t.Context(), time.Now(), 2)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Len(t, r.handles(t), all-4)
	r.exec(t, "UPDATE session_info SET expires_at = 1000 WHERE session_handle = ?", r.named(t, "plain").Handle)
	for _, row := range [][2]int{{1000, 0}, {1001, 1}} { // at its very end the core still refreshes it
		n, err := r.DeleteEnded(t.Context(), time.UnixMilli(int64(row[0])), 10)
		require.NoError(t, err)
		require.Equal(t, row[1], n, row[0])
	}
	require.NotContains(t, r.handles(t), r.named(t, "plain").Handle)
}

// A payload that says in two ways what its tenant is stays where it is, as nobody could
// tell which one a route reads; with another name for the tenant both come over.
func TestImport_twoTenants(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	acme := r.named(t, "at acme")
	other, err := importsupertokens.New(t.Context(), r.db, importsupertokens.Config{TenantMember: "tenant"})
	require.NoError(t, err)
	const refused = "two tenants"
	for payload, want := range map[string][2]string{
		`{"tid":"evil"}`:            {refused, `{"tenant":"acme","tid":"evil"}`},
		`{"\u0074ID":"evil"}`:       {refused, `{"tID":"evil","tenant":"acme"}`},
		`{"tId":"evil"}`:            {`{"tId":"acme"}`, `{"tenant":"acme"}`},
		`{"TENANT":"evil","n":1}`:   {`{"TENANT":"evil","n":1,"tId":"acme"}`, refused},
		`{"tenant":"evil","tiD":1}`: {refused, refused},
	} {
		r.exec(t, "UPDATE session_info SET jwt_user_payload = ? WHERE session_handle = ?", payload, acme.Handle)
		require.Equal(t, want[0], string(r.read(t, acme.Current).Payload.(json.RawMessage)), payload)
		old, err := other.Import(t.Context(), acme.Current)
		require.NoError(t, err)
		require.Equal(t, want[1], string(old.Payload.(json.RawMessage)), payload)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	token := r.named(t, "plain").Current
	r.exec(t, "RENAME TABLE tenants TO st_tenants, key_value TO st_key_value, session_info TO st_session_info, "+
		"app_id_to_user_id TO st_app_id_to_user_id, userid_mapping TO st_userid_mapping")
	_, err := r.Import(t.Context(), token)
	require.Error(t, err, "a table that is not there")
	require.NotContains(t, err.Error(), r.named(t, "plain").Handle)
	require.Error(t, r.RevokeUser(t.Context(), "ada"))
	_, err = r.DeleteEnded(t.Context(), time.Now(), 1)
	require.Error(t, err)

	prefixed, err := importsupertokens.New(t.Context(), r.db, importsupertokens.Config{TablePrefix: "st"})
	require.NoError(t, err)
	old, err := prefixed.Import(t.Context(), token)
	require.NoError(t, err)
	require.False(t, old.Ended)
	r.exec(t, "RENAME TABLE st_key_value TO secrets, st_session_info TO sessions")
	named, err := importsupertokens.New(t.Context(), r.db, importsupertokens.Config{TablePrefix: "st", KeyValues: "secrets", Sessions: "sessions"})
	require.NoError(t, err)
	old, err = named.Import(t.Context(), token)
	require.NoError(t, err)
	require.False(t, old.Ended)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = named.Import(ctx, token)
	require.Error(t, err)
	_, err = importsupertokens.New(ctx, r.db, importsupertokens.Config{TablePrefix: "st", KeyValues: "secrets", Sessions: "sessions"})
	require.Error(t, err)
	require.NotErrorIs(t, err, errors.ErrConfig, "the database could not be asked")
	var key string
	require.NoError(t, r.db.QueryRowContext(t.Context(), "SELECT value FROM secrets WHERE app_id = 'public'").Scan(&key))
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", named, named, named), key)
}

// What New refuses.
func TestNew_refuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	for name, cfg := range map[string]importsupertokens.Config{
		"a prefix that is none": {TablePrefix: "a`b"}, "a table that is none": {Sessions: "x; DROP"},
		"an app that is none": {AppID: "Shop"}, "an app that is not there": {AppID: "other"},
		"tables that are not there": {TablePrefix: "st"},
	} {
		_, err := importsupertokens.New(t.Context(), r.db, cfg)
		require.ErrorIs(t, err, errors.ErrConfig, name)
	}
	r.exec(t, "DELETE FROM key_value WHERE app_id = 'public'")
	_, err := importsupertokens.New(t.Context(), r.db, importsupertokens.Config{})
	require.ErrorIs(t, err, errors.ErrConfig)
	require.ErrorContains(t, err, "refresh_token_key")
}

// Tables of an older core are told by the columns that they lack.
func TestNew_olderTables(t *testing.T) {
	t.Parallel()
	for name, older := range map[string]string{
		"before plugin 5.0": "ALTER TABLE app_id_to_user_id DROP COLUMN primary_or_recipe_user_id",
		"before plugin 4.0": "DROP TABLE tenants",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, recorded(t))
			r.exec(t, older)
			_, err := importsupertokens.New(t.Context(), r.db, importsupertokens.Config{})
			require.ErrorIs(t, err, errors.ErrConfig)
			require.ErrorContains(t, err, "SuperTokens core 7.0")
		})
	}
}
