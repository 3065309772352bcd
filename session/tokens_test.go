package session_test

import (
	"encoding/json"
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// A client's tokens show in no encoder, whichever the application has: by value, by
// pointer, alone and within another type.
func TestTokensShowInNoEncoder(t *testing.T) {
	t.Parallel()
	access := session.Token{Value: "canary"}
	tokens := session.Tokens{Access: access, IDRefresh: access, AntiCSRF: "canary"}
	type answer struct{ Access session.Token }
	for _, value := range []any{
		access, &access,
		tokens, &tokens,
		[]session.Tokens{tokens},
		answer{access},
	} {
		asXML, err := xml.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(asXML), "canary", "%T", value)
		require.Contains(t, string(asXML), "[redacted]", "%T", value)
		asJSON, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(asJSON), "canary", "%T", value)
		require.Contains(t, string(asJSON), `"[redacted]"`, "%T", value)
	}
}
