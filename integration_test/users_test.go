package integration_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// userIDs that some system somewhere takes for each other, or for numbers (TOK-08).
var userIDs = []string{
	"007", "7", "9007199254740993", "9007199254740992", "1e3", "1000", "0x10", "16", "0", "-0", "true", "null",
	"bob", " bob", "bob ", "bob\t", "Bob", "BOB", "Alice", "alice", "ALİCE",
	"\u00e9", "e\u0301", "ß", "ss", "æ", "ae", "🦊", "𝒳", "日本", "__proto__", `a"b\c`, "a%b", "a_b", "a'; DROP TABLE auth_sessions; --",
	"line\nbreak", "\u0000", strings.Repeat("x", 255), strings.Repeat("é", 127) + "x",
}

func TestUsers_IdsAreOpaqueBytes(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		browsers := map[string]*browser{}
		for _, id := range userIDs {
			if id == "\u0000" && e.name == "postgres" {
				continue // PostgreSQL's text has no NUL, and refuses it
			}
			browsers[id] = a.signedIn(id)
		}
		for id, b := range browsers {
			var me struct{ User string }
			require.NoError(t, json.Unmarshal([]byte(b.ok(b.get("/me")).Body), &me))
			require.Equal(t, id, me.User)
			b.ok(b.refresh())
			require.NoError(t, json.Unmarshal([]byte(b.ok(b.get("/me")).Body), &me))
			require.Equal(t, id, me.User)
			handles, err := a.Svc.List(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []string{b.peekHandle()}, handlesOf(handles), "%q", id)
		}
		for id := range browsers {
			n, err := a.Svc.RevokeAll(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, 1, n, "revoking all of %q touched another user", id)
		}
	})
}

func TestUsers_Refused(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		for _, id := range []string{"", strings.Repeat("x", 256), "\xff", "ok\xc3"} {
			_, err := a.Svc.Create(t.Context(), id)
			require.Error(t, err, "%q", id)
		}
	})
}
