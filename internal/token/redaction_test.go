package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// TOK-12: no way of printing shows a secret, in any spelling.
func TestNothingShowsSecrets(t *testing.T) {
	t.Parallel()
	family := token.NewFamily(now)
	refresh := token.NewRefresh(family, hashOf(0x55), 6, now)
	text, _ := refresh.Seal(refreshKey, issuer, audience)
	raw := decode(t, text)
	a := access()
	mustSign(t, a, accessKey)
	secrets := [][]byte{
		accessKey.Secret, raw[len(raw)-96 : len(raw)-64], raw[len(raw)-64 : len(raw)-32], raw[len(raw)-32:],
		a.Refresh[:], a.Parent[:], a.AntiCSRF[:], refresh.Parent[:], a.Payload, []byte(a.Handle),
		[]byte(family.Handle()), []byte(family.Handle())[16:],
	}
	type holder struct {
		Key     token.Key
		Refresh token.Refresh
		Family  token.Family
		Access  token.Access
		Pointer *token.Access
	}
	for _, value := range []any{
		accessKey, &accessKey, refresh, *refresh, family, &family, a, *a,
		[]token.Key{accessKey},
		map[string]*token.Refresh{"a": refresh},
		holder{accessKey, *refresh, family, *a, a},
		&holder{accessKey, *refresh, family, *a, a},
		[]any{accessKey, refresh, family, a},
	} {
		for _, output := range prints(t, value) {
			for _, secret := range secrets {
				for _, spelling := range spellings(secret) {
					require.NotContains(t, output, spelling, "%T", value)
				}
			}
		}
	}
	require.Equal(t, `[key "access-1"]`, fmt.Sprint(accessKey))
	require.Equal(t, `[key "a\nb"]`, fmt.Sprint(token.Key{ID: "a\nb"}), "an id forges no log line")
}

// prints shows value in all the ways that end up in logs.
func prints(t *testing.T, value any) []string {
	t.Helper()
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%c", "%U", "%t", "%#x", "%10.3s"} {
		out = append(out, fmt.Sprintf(verb, value))
	}
	asJSON, err := json.Marshal(value)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).With("value", value).Info("json")
	return append(out, string(asJSON), log.String(), fmt.Sprint(value), fmt.Errorf("wrapped: %v", value).Error())
}

// spellings returns the beginning of secret as the printers would write it.
func spellings(secret []byte) []string {
	secret = secret[:8]
	list := fmt.Sprintf("%v", secret)
	return []string{
		string(secret), hex.EncodeToString(secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret),
		list[1 : len(list)-1], fmt.Sprintf("%#v", secret)[len("[]byte{"):20],
		base64.StdEncoding.EncodeToString(secret)[:8], base64.RawURLEncoding.EncodeToString(secret)[:8],
	}
}
