package integration_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

func payloadOf(t *testing.T, r rig.Reply) string {
	t.Helper()
	var me struct{ Payload json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(r.Body), &me))
	return string(me.Payload)
}

// segment decodes one part of an access token, as anybody who holds it can.
func segment(t *testing.T, token string, i int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	text, err := base64.RawURLEncoding.DecodeString(parts[i])
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	return members
}

func keyID(t *testing.T, token string) string {
	t.Helper()
	kid, _ := segment(t, token, 0)["kid"].(string)
	require.NotEmpty(t, kid)
	return kid
}

// peekHandle reads the handle from the access token, without a request.
func (b *browser) peekHandle() string {
	b.t.Helper()
	handle, _ := segment(b.t, b.cookie("/", "sAccessToken"), 1)["sid"].(string)
	require.NotEmpty(b.t, handle)
	return handle
}

// refreshCookieAge is the Max-Age of the refresh token in r.
func refreshCookieAge(t *testing.T, r rig.Reply) time.Duration {
	t.Helper()
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if c.Name == "sRefreshToken" {
			return time.Duration(c.MaxAge) * time.Second
		}
	}
	t.Fatal("no refresh token in the response")
	return 0
}
