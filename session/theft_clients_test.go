package session_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A theft tells both clients, and not who of them is the thief.
func TestEvent_theft(t *testing.T) {
	t.Parallel()
	for policy, ips := range map[session.IPPolicy][2]string{
		session.IPNone: {}, session.IPTruncated: {"192.0.2.0", "198.51.100.0"}, session.IPFull: {"192.0.2.1", "198.51.100.9"},
	} {
		k := newKit(t, func(c *session.Config) { c.IPAddresses = policy })
		tokens, err := k.Create(t.Context(), "alice", session.WithDevice("Firefox", "192.0.2.1"))
		require.NoError(t, err)
		next := mustRefresh(t, k.Service, tokens.Refresh.Value)
		mustRefresh(t, k.Service, next)
		r := request(t, map[string]string{"Rid": "session", "User-Agent": "curl/8"}, "sRefreshToken="+tokens.Refresh.Value)
		r.RemoteAddr = "198.51.100.9:4711"
		_, err = k.RefreshHTTP(httptest.NewRecorder(), r)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		thefts := k.Events(session.EventTheft)
		require.Len(t, thefts, 1)
		require.Equal(t, session.Client{UserAgent: "Firefox", IP: ips[0]}, thefts[0].Stored)
		require.Equal(t, session.Client{UserAgent: "curl/8", IP: ips[1]}, thefts[0].Presented)
		require.Equal(t, models.RevokedByTheft, thefts[0].Reason)
	}
}
