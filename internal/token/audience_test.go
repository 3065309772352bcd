package token_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// expectOneOf is expect with these audiences.
func expectOneOf(audiences ...string) token.Expect {
	want := expect()
	want.Audiences = audiences
	return want
}

func TestAudiences(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []token.Algorithm{token.HS256, token.ES256, token.Ed25519, token.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			key := accessKey
			if algorithm.Public() {
				key = pairKey(t, algorithm, signerOf(algorithm))
			}
			a := access()
			a.Others = []string{"billing", "report \"é\""}
			text := mustSign(t, a, key)
			for _, name := range append([]string{audience}, a.Others...) {
				for _, want := range []token.Expect{expectOneOf(name), expectOneOf("other", name)} {
					got, err := token.ParseAccess(text, only(key), want)
					require.NoError(t, err)
					require.Equal(t, audience, got.Audience)
					require.Equal(t, a.Others, got.Others)
				}
				_, err := token.Identify(text, only(key), issuer, []string{name})
				require.NoError(t, err)
			}
			for _, want := range []token.Expect{expectOneOf(), expectOneOf(""), expectOneOf("App"), expectOneOf("app "), expectOneOf("app,billing"), expectOneOf("other", "third")} {
				_, err := token.ParseAccess(text, only(key), want)
				require.ErrorIs(t, err, errors.ErrTokenForeign)
			}
		})
	}
}

// Other libraries read one audience as a text and several as an array (RFC 7519,
// section 4.1.3), and the client_id is the service that issued the token.
func TestAudiences_otherLibraries(t *testing.T) {
	t.Parallel()
	key := pairKey(t, token.ES256, signerOf(token.ES256))
	for audiences, want := range map[string]string{"app": `"app"`, "app billing": `["app","billing"]`} {
		a := access()
		a.Others = strings.Fields(audiences)[1:]
		text := mustSign(t, a, key)
		var raw struct {
			Aud      json.RawMessage
			ClientID string `json:"client_id"`
		}
		require.NoError(t, json.Unmarshal(decode(t, strings.Split(text, ".")[1]), &raw))
		require.Equal(t, want, string(raw.Aud))
		require.Equal(t, "app", raw.ClientID)
		for name := range strings.FieldsSeq(audiences) {
			_, err := jwt.NewParser(jwt.WithAudience(name), jwt.WithoutClaimsValidation()).Parse(text, func(*jwt.Token) (any, error) { return key.Pair.Public(), nil })
			require.NoError(t, err)
		}
	}
}

// There is one form of each list, and nothing that other parsers might read otherwise.
func TestAudiences_malformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `["app"]`, `["app","app"]`, `["app",""]`, `["","app"]`, `["app",null]`, `["app",1]`, `["app",["billing"]]`,
		`["app","billing",]`, `{"0":"app"}`, `"app","aud":"billing"`, `["app","\ud800"]`, `["app","a","b","c","d","e","f","g","h"]`,
	} {
		_, err := token.ParseAccess(forge(goodHeader, claims("aud", text), accessKey.Secret), only(accessKey), expect())
		require.ErrorIs(t, err, errors.ErrTokenMalformed, text)
	}
	_, err := token.ParseAccess(forge(goodHeader, claims("aud", `["billing","app","a","b","c","d","e","f"]`), accessKey.Secret), only(accessKey), expect())
	require.NoError(t, err)
	for n, list := range [][]string{{""}, {"a", "a"}, {"app"}, {"a", ""}, {"a\xff"}, strings.Split("abcdefgh", "")} {
		a := access()
		a.Others = list
		_, err := a.Sign(accessKey)
		require.ErrorIs(t, err, errors.ErrTokenMalformed, fmt.Sprint(n))
	}
}

// The client_id is the first audience, and no other.
func TestAudiences_clientID(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]error{"app": nil, "billing": errors.ErrTokenMalformed, "": errors.ErrTokenMalformed} {
		key := pairKey(t, token.ES256, signerOf(token.ES256))
		text := forgeWith(signerOf(token.ES256), publicHeader(token.ES256), publicClaims("aud", `["app","billing"]`, "client_id", `"`+client+`"`))
		_, err := token.ParseAccess(text, only(key), expect())
		require.ErrorIs(t, err, want)
	}
}
