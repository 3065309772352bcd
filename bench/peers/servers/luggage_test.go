package servers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// What bare Gin is sent is as long as the kit's cookie.
func TestLuggageIsAsLongAsTheKitsCookie(t *testing.T) {
	t.Parallel()
	svc, err := session.New(t.Context(), memstore.New(), session.Config{})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	tokens, err = svc.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	_, promoted, err := svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	luggage, found := servers.Find("luggage")
	require.True(t, found)
	require.Len(t, "sAccessToken="+promoted.Value, luggage.Luggage)
}
