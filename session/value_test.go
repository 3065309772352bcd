package session_test

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Values that no JSON parser may see, or that would not come back.
func TestValue_Refused(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	for name, v := range map[string]any{
		"channel": make(chan int), "function": func() {}, "NaN": math.NaN(), "infinity": math.Inf(1),
		"broken raw": json.RawMessage(`{"a":`), "two values": json.RawMessage(`1 2`), "duplicate names": json.RawMessage(`{"a":1,"a":2}`),
		"invalid UTF-8": json.RawMessage("\"\xff\""), "too deep": json.RawMessage(deep), "cycle": cyclic,
	} {
		_, err := k.Create(t.Context(), "user", session.WithPayload(v))
		require.ErrorIs(t, err, errors.ErrInvalidInput, name)
		_, err = k.Create(t.Context(), "user", session.WithData(v))
		require.ErrorIs(t, err, errors.ErrInvalidInput, name)
	}
	for _, reserved := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"} {
		_, err := k.Create(t.Context(), "user", session.WithPayload(map[string]any{reserved: 1}))
		require.ErrorIs(t, err, errors.ErrReservedClaim)
	}
	_, err := k.Create(t.Context(), "user", session.WithData(strings.Repeat("x", 64<<10)))
	require.ErrorIs(t, err, errors.ErrValueTooLarge)
	handles, err := k.List(t.Context(), "user")
	require.NoError(t, err)
	require.Empty(t, handles, "nothing was stored")
	require.Zero(t, k.store.Counts()["Insert"])
}

// Names that merely look reserved change nothing (JWT-05).
func TestValue_LookalikesOfReservedNames(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	payload := map[string]any{"EXP": 1, "Sub": "root", "__proto__": map[string]any{"admin": true}, "kid": "x", "alg": "none", "rt2": "y", "pl": nil}
	tokens, err := k.Create(t.Context(), "user", session.WithPayload(payload))
	require.NoError(t, err)
	sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	require.Equal(t, "user", sess.UserID())
	require.Equal(t, tokens.Session.ExpiresAt(), sess.ExpiresAt())
}

// What comes back is what went in, null and absent apart, every digit kept.
func TestValue_RoundTrip(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for _, text := range []string{
		`null`, `true`, `false`, `0`, `-0`, `1.50`, `9007199254740993`, `18446744073709551615`, `123456789012345678901234567890`,
		`""`, `"<>&\u2028😀"`, `[]`, `{}`, `[1,[2,{"a":null}]]`, `{"b":1,"a":{"ł":"馬"}}`,
	} {
		tokens, err := k.Create(t.Context(), "user", session.WithPayload(json.RawMessage(text)), session.WithData(json.RawMessage(text)))
		require.NoError(t, err, text)
		refreshed, err := k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err, text)
		sess, replaced, err := k.Verify(t.Context(), refreshed.Access.Value, refreshed.AntiCSRF)
		require.NoError(t, err, text)
		require.NotNil(t, replaced)
		var payload, data json.RawMessage
		require.NoError(t, sess.Payload(&payload))
		require.NoError(t, sess.Data(t.Context(), &data))
		require.JSONEq(t, text, string(payload))
		require.Equal(t, string(payload), string(data))
		var any1 any
		require.NoError(t, sess.Payload(&any1))
		again, err := json.Marshal(any1)
		require.NoError(t, err)
		require.JSONEq(t, text, string(again))
		if strings.Trim(text, "-0123456789") == "" {
			require.Equal(t, text, string(again), "every digit")
		}
	}

	tokens, err := k.Create(t.Context(), "user")
	require.NoError(t, err)
	payload, data := json.RawMessage("untouched"), json.RawMessage("untouched")
	require.NoError(t, tokens.Session.Payload(&payload))
	require.NoError(t, tokens.Session.Data(t.Context(), &data))
	require.Equal(t, "untouched untouched", string(payload)+" "+string(data), "absent is not null")
	require.NoError(t, tokens.Session.UpdateData(t.Context(), nil))
	require.NoError(t, tokens.Session.Data(t.Context(), &data))
	require.Equal(t, "null", string(data))
	require.NoError(t, tokens.Session.UpdateData(t.Context(), session.Undefined{}))
	data = nil
	require.NoError(t, tokens.Session.Data(t.Context(), &data))
	require.Nil(t, data)

	type profile struct{ Name string }
	tokens, err = k.Create(t.Context(), "user", session.WithPayload(profile{"Ada"}))
	require.NoError(t, err)
	var p profile
	err = tokens.Session.Payload(&p)
	require.NoError(t, err)
	require.Equal(t, profile{"Ada"}, p)
	err = tokens.Session.Payload(new(int))
	require.ErrorIs(t, err, errors.ErrInvalidInput)
	require.NotContains(t, err.Error(), "Ada")
}

// A payload fits a cookie or is refused before anything is stored (CK-03).
func TestValue_CookieLimit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*session.Config){
		"access token": func(c *session.Config) { c.FrontEnds.FrontToken = session.SwitchOff },
		"front token":  func(*session.Config) {},
	} {
		k := newKit(t, change)
		largest := 0
		for size := 3000; size > 0 && largest == 0; size-- {
			w := httptest.NewRecorder()
			// A letter outside of ASCII makes the front token the larger one.
			_, err := k.CreateHTTP(w, request(t, cookieClient), "user", session.WithPayload(map[string]string{"p": strings.Repeat("é", size/6) + strings.Repeat("x", size%6)}))
			if err != nil {
				require.ErrorIs(t, err, errors.ErrCookieTooLarge, name)
				require.Empty(t, w.Header(), "nothing was sent")
				continue
			}
			largest = size
			got := sentBy(t, w)
			for _, c := range got.cookies {
				require.LessOrEqual(t, len(c.Name)+len(c.Value), 4096)
			}
			require.LessOrEqual(t, len("sFrontToken")+len(got.header.Get("front-token")), 4096)
			if name == "front token" {
				require.Greater(t, len("sFrontToken")+len(got.header.Get("front-token")), 4096-16, "the limit is not far off")
			}
		}
		require.Positive(t, largest)
		require.Equal(t, 1, k.store.Counts()["Insert"], "refused sessions were never stored")
	}
}
