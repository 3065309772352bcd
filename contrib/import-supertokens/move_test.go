package importsupertokens_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// What a session of the core has comes over, and its tokens go on as those of any
// other.
func TestMove_takesASessionOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	before := r.handles(t)
	for name, token := range map[string]func(oldSession) string{
		"the current token": func(s oldSession) string { return s.Current },
		"its child":         func(s oldSession) string { return s.Child },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, plain := r.newKit(t), r.named(t, "plain")
			sess, cookies, err := k.refresh(t, token(plain))
			require.NoError(t, err)
			require.Equal(t, plain.User, sess.UserID())
			var payload map[string]json.RawMessage
			require.NoError(t, sess.Payload(&payload))
			require.Equal(t, map[string]json.RawMessage{
				"role": []byte(`"editor"`), "n": []byte("12345678901234567890.10"), "tId": []byte(`"public"`),
			}, payload)
			var data struct {
				Cart []float64
				Note string
			}
			require.NoError(t, sess.Data(t.Context(), &data))
			require.Equal(t, []float64{1, 2.5}, data.Cart)
			list := k.devices(t, plain.User)
			require.Len(t, list, 1)
			require.Equal(t, r.read(t, plain.Current).CreatedAt.UnixMilli(), list[0].CreatedAt.UnixMilli(), "the sign-in was there")
			require.Equal(t, 1, k.count(session.EventImported))

			_, _, err = k.Verify(t.Context(), cookie(cookies, "sAccessToken"), "", session.InsecureSkipAntiCSRF())
			require.NoError(t, err)
			_, _, err = k.refresh(t, cookie(cookies, "sRefreshToken"))
			require.NoError(t, err)
			require.Len(t, k.devices(t, plain.User), 1)
			require.Equal(t, before, r.handles(t), "the core's tables are only read")
		})
	}
}

func cookie(cookies []*http.Cookie, name string) string {
	for _, c := range cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Every session that can come over does, for the user that the application knows.
func TestMove_everybody(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	k := r.newKit(t)
	moved := 0
	for _, s := range r.Sessions {
		if notOurs[s.Name] || over[s.Name] || s.Name == "reserved" {
			continue
		}
		sess, _, err := k.refresh(t, s.Current)
		require.NoError(t, err, s.Name)
		require.Equal(t, s.User, sess.UserID(), s.Name)
		var payload struct {
			TID string `json:"tId"`
		}
		require.NoError(t, sess.Payload(&payload))
		require.Equal(t, s.Tenant, payload.TID, s.Name)
		again, _, err := k.refresh(t, s.Child)
		require.NoError(t, err, s.Name)
		require.Equal(t, sess.Handle(), again.Handle(), "one session, whichever tab comes")
		moved++
	}
	require.Equal(t, 13, moved)
	require.Equal(t, moved, k.count(session.EventImported))
	require.Zero(t, k.count(session.EventTheft))
	require.Len(t, k.devices(t, "the-primary"), 3, "all accounts of one user")
	require.Len(t, k.devices(t, r.named(t, "at home").User), 2, "in two tenants")
}

// A thief of before gives itself away.
func TestMove_theft(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	t.Run("with a token that was replaced there", func(t *testing.T) {
		t.Parallel()
		k, plain := r.newKit(t), r.named(t, "plain")
		_, cookies, err := k.refresh(t, plain.Replaced)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		require.NotEmpty(t, cookies, "its cookies are cleared")
		for _, token := range []string{plain.Current, plain.Child} {
			_, _, err = k.refresh(t, token)
			require.ErrorIs(t, err, errors.ErrSessionRevoked, "the family has ended")
		}
		require.Equal(t, 1, k.count(session.EventTheft))
	})
	t.Run("with the current one, once its owner has moved on", func(t *testing.T) {
		t.Parallel()
		k, plain := r.newKit(t), r.named(t, "plain")
		_, cookies, err := k.refresh(t, plain.Child)
		require.NoError(t, err)
		_, _, err = k.Verify(t.Context(), cookie(cookies, "sAccessToken"), "", session.InsecureSkipAntiCSRF())
		require.NoError(t, err)
		_, _, err = k.refresh(t, plain.Current)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		_, _, err = k.refresh(t, cookie(cookies, "sRefreshToken"))
		require.ErrorIs(t, err, errors.ErrSessionRevoked)
	})
}

// What was ended there is not taken over, and its cookies go, as the core's SDK has it.
func TestMove_ended(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	before := r.handles(t)
	for _, name := range []string{"expired", "revoked", "crossed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, s := r.newKit(t), r.named(t, name)
			_, cookies, err := k.refresh(t, s.Current)
			require.ErrorIs(t, err, errors.ErrSessionNotFound)
			require.NotEmpty(t, cookies)
			require.Empty(t, k.devices(t, s.User))
			require.Len(t, k.refusals(), 1)
			require.Equal(t, before, r.handles(t))
		})
	}
}

// No session, a reason that can be counted, and nothing is deleted: neither there nor
// in the browser.
func TestMove_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	plain := r.named(t, "plain")
	nonce := strings.Split(r.named(t, "young").Current, ".")[1]
	for name, row := range map[string]struct {
		session, token string
		after          time.Duration
		before         string
		reasons        []error
	}{
		"past Sunset":            {session: "plain", after: 61 * 24 * time.Hour, reasons: []error{errors.ErrImportOver, errors.ErrTokenMalformed}},
		"reserved names":         {session: "reserved", reasons: []error{errors.ErrImportRefused, errors.ErrReservedClaim}},
		"an unknown key":         {session: "unknown key", reasons: []error{errors.ErrTokenMalformed}},
		"another app's":          {session: "other app", reasons: []error{errors.ErrTokenMalformed}},
		"a tenant elsewhere":     {session: "elsewhere", reasons: []error{errors.ErrTokenMalformed}},
		"altered":                {token: "A" + plain.Current, reasons: []error{errors.ErrTokenMalformed}},
		"another token's nonce":  {token: strings.Split(plain.Current, ".")[0] + "." + nonce + ".V2", reasons: []error{errors.ErrTokenMalformed}},
		"V1":                     {token: strings.TrimSuffix(plain.Current, "2") + "1", reasons: []error{errors.ErrTokenMalformed}},
		"no begin":               {session: "young", before: "created_at_time = 0", reasons: []error{errors.ErrImportRefused}},
		"a payload of no object": {session: "guarded", before: "jwt_user_payload = '[1]'", reasons: []error{errors.ErrImportRefused, errors.ErrValueNotJSON}},
		"two tenants":            {session: "mapped", before: `jwt_user_payload = '{"tid":"acme"}'`, reasons: []error{errors.ErrImportRefused, errors.ErrValueNotJSON}},
		"no payload":             {session: "at acme", before: "jwt_user_payload = NULL", reasons: []error{errors.ErrImportRefused, errors.ErrValueNotJSON}},
		"data that is cut off":   {session: "at home", before: `session_data = '{"a":'`, reasons: []error{errors.ErrImportRefused, errors.ErrValueNotJSON}},
		"no user":                {session: "longest", before: "user_id = ''", reasons: []error{errors.ErrImportRefused, errors.ErrUserIDInvalid}},
	} {
		t.Run(name, func(t *testing.T) {
			token := row.token
			if token == "" {
				token = r.named(t, row.session).Current
			}
			if row.before != "" {
				r.exec(t, "UPDATE session_info SET "+row.before+" WHERE session_handle = ?", r.named(t, row.session).Handle)
			}
			before, k := r.handles(t), r.newKit(t)
			k.clock.Advance(row.after)
			_, cookies, err := k.refresh(t, token)
			require.ErrorIs(t, err, errors.ErrUnauthorised)
			require.NotErrorIs(t, err, errors.ErrGeneral)
			for _, reason := range row.reasons {
				require.ErrorIs(t, err, reason)
			}
			require.Len(t, k.refusals(), 1)
			require.ErrorIs(t, k.refusals()[0], row.reasons[0])
			require.Empty(t, cookies)
			require.Zero(t, k.count(session.EventImported))
			require.Equal(t, before, r.handles(t))
		})
	}
}

// What has a reserved name can be renamed.
func TestMove_convert(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	k := r.newKit(t, func(c *session.Config) {
		c.Import.Convert = func(_ context.Context, old *session.Imported) error {
			var payload map[string]any
			if err := json.Unmarshal(old.Payload.(json.RawMessage), &payload); err != nil {
				return err
			}
			payload["shop"], payload["until"] = payload["aud"], payload["exp"]
			delete(payload, "aud")
			delete(payload, "exp")
			old.Payload = payload
			return nil
		}
	})
	sess, _, err := k.refresh(t, r.named(t, "reserved").Current)
	require.NoError(t, err)
	var payload struct {
		Shop, Role, TID, Aud string
		Until, Exp           int
	}
	require.NoError(t, sess.Payload(&payload))
	require.Equal(t, []any{"shop", 7, "editor", "public"}, []any{payload.Shop, payload.Until, payload.Role, payload.TID})
	require.Empty(t, payload.Aud)
	require.Zero(t, payload.Exp)
}

// All that a user has ends: here, and in the core's table what has not come over.
func TestMove_revokeAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	k := r.newKit(t)
	_, cookies, err := k.refresh(t, r.named(t, "linked").Current)
	require.NoError(t, err)
	n, err := k.RevokeAll(t.Context(), "the-primary")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, _, err = k.refresh(t, cookie(cookies, "sRefreshToken"))
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
	for _, name := range []string{"linked", "linked and mapped", "mapped since"} {
		_, _, err = k.refresh(t, r.named(t, name).Current)
		require.ErrorIs(t, err, errors.ErrUnauthorised, name)
		require.NotContains(t, r.handles(t), r.named(t, name).Handle)
	}
	_, _, err = k.refresh(t, r.named(t, "plain").Current)
	require.NoError(t, err, "another user's")
}

// While the core's database cannot be asked, nobody is signed out.
func TestMove_unavailable(t *testing.T) {
	t.Parallel()
	r := newRig(t, recorded(t))
	k := r.newKit(t)
	r.exec(t, "RENAME TABLE userid_mapping TO away")
	_, cookies, err := k.refresh(t, r.named(t, "plain").Current)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Empty(t, cookies)
	_, err = k.RevokeAll(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, errors.ErrUnavailable, "what is there would live on")
	r.exec(t, "RENAME TABLE away TO userid_mapping")
	_, _, err = k.refresh(t, r.named(t, "plain").Current)
	require.NoError(t, err)
}
