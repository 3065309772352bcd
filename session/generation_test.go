package session_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// withGen is an access token, not promoted yet, that claims a generation, as the
// holder of the access key makes it.
func (k *kit) withGen(t *testing.T, access string, gen int64) string {
	t.Helper()
	parts := strings.Split(access, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&claims))
	claims["gen"] = gen
	foreign := sha256.Sum256([]byte("no such parent"))
	claims["prt2"] = base64.RawURLEncoding.EncodeToString(foreign[:])
	text, err = json.Marshal(claims)
	require.NoError(t, err)
	keys, err := k.store.Keys(t.Context(), k.clock.Now().UnixMilli())
	require.NoError(t, err)
	for _, key := range keys {
		if key.Purpose == models.KeyForAccess {
			signed := parts[0] + "." + base64.RawURLEncoding.EncodeToString(text)
			mac := hmac.New(sha256.New, key.Secret[1:])
			mac.Write([]byte(signed))
			return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}
	}
	require.Fail(t, "no access key")
	return ""
}

// Whoever holds the access key cannot move a row's generation to where comparing
// it overflows: each replaced refresh token would be good again.
func TestGeneration_isCapped(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		gen  int64
		want error
	}{
		"the end of int64":        {math.MaxInt64, errors.ErrTokenMalformed},
		"one before the end":      {math.MaxInt64 - 1, errors.ErrTokenMalformed},
		"the end of 2^53":         {1 << 53, errors.ErrTokenMalformed},
		"one over the cap":        {models.MaxGeneration + 1, errors.ErrTokenMalformed},
		"negative":                {-1, errors.ErrTokenMalformed},
		"the cap":                 {models.MaxGeneration, nil},
		"one step below the cap":  {models.MaxGeneration - 1, nil},
		"far ahead, as it can be": {1000, nil},
	} {
		for _, byCookie := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				first, err := k.Create(t.Context(), "ada")
				require.NoError(t, err)
				second, err := k.Refresh(t.Context(), first.Refresh.Value)
				require.NoError(t, err)
				_, _, err = k.Verify(t.Context(), second.Access.Value, second.AntiCSRF)
				require.NoError(t, err)
				third, err := k.Refresh(t.Context(), second.Refresh.Value)
				require.NoError(t, err)

				forged := k.withGen(t, third.Access.Value, row.gen)
				r := request(t, map[string]string{"Authorization": "Bearer " + forged})
				if byCookie {
					r = request(t, map[string]string{"anti-csrf": third.AntiCSRF}, "sAccessToken="+forged)
				}
				_, err = k.VerifyHTTP(httptest.NewRecorder(), r)
				if row.want != nil {
					if err == nil {
						t.Error("accepted")
					}
				} else {
					require.NoError(t, err)
				}
				k.clock.Advance(time.Minute)
				_, err = k.Refresh(t.Context(), first.Refresh.Value)
				require.ErrorIs(t, err, errors.ErrTokenTheft, "a replaced token stays one")
				if row.want != nil {
					_, err = k.VerifyHTTP(httptest.NewRecorder(), r)
					require.ErrorIs(t, err, row.want)
				}
			})
		}
	}
}

// A session whose generation is at the cap goes on as any other.
func TestGeneration_goesOnAtTheCap(t *testing.T) {
	t.Parallel()
	for _, gen := range []int64{models.MaxGeneration - 2, models.MaxGeneration - 1, models.MaxGeneration} {
		k := newKit(t)
		first, err := k.Create(t.Context(), "ada")
		require.NoError(t, err)
		tokens, err := k.Refresh(t.Context(), first.Refresh.Value)
		require.NoError(t, err)
		tokens.Refresh.Value = k.backup(t, tokens.Session.Handle()).forge(t, tokens.Refresh.Value, gen)
		for range 4 {
			if tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value); err != nil {
				require.NoError(t, err)
			}
			_, replacement, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
			require.NoError(t, err)
			require.NotNil(t, replacement)
			row, err := k.store.Find(t.Context(), tokens.Session.Handle())
			require.NoError(t, err)
			require.LessOrEqual(t, row.Lineage.Generation, int64(models.MaxGeneration))
		}
		_, err = k.Refresh(t.Context(), first.Refresh.Value)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
	}
}
