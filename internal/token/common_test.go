package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	issuer   = "https://app.example"
	audience = "app"
	handle   = "06b4k8qk00g0000000000000r4"
	iat      = int64(1_767_225_600) // 2026-01-01, seconds
	exp      = iat + 3600
	now      = (iat + 10) * 1000
)

var (
	accessKey  = token.Key{ID: "access-1", Secret: bytes.Repeat([]byte("AccessSecret!"), 3)}
	refreshKey = token.Key{ID: "refresh-1", Secret: bytes.Repeat([]byte("RefreshSecret"), 3)}
)

// only finds k and no other key.
func only(k token.Key) token.Keys {
	return func(kid string, _ int64) (token.Key, error) {
		if kid != k.ID {
			return token.Key{}, errors.ErrKeyUnknown
		}
		return k, nil
	}
}

// noKeys fails the test when a key is asked for.
func noKeys(tb testing.TB) token.Keys {
	tb.Helper()
	return func(string, int64) (token.Key, error) {
		tb.Helper()
		tb.Error("a key was looked up")
		return token.Key{}, errors.ErrKeyUnknown
	}
}

func expect() token.Expect {
	return token.Expect{Issuer: issuer, Audiences: []string{audience}, Now: now, Leeway: 5 * time.Second}
}

func hashOf(b byte) (out models.Hash) {
	for i := range out {
		out[i] = b
	}
	return out
}

// access returns the claims of a valid token; every call makes a new one.
func access() *token.Access {
	return &token.Access{
		Issuer: issuer, Audience: audience, UserID: "007", Handle: handle, ID: "token-1",
		IssuedAt: iat, ExpiresAt: exp, AuthTime: iat - 100, Gen: 7, RefreshIssuedAt: iat*1000 + 123,
		Refresh: hashOf(0x22), Parent: hashOf(0x11), AntiCSRF: token.CSRFHash(bytes.Repeat([]byte{0x33}, 16)),
		Payload: json.RawMessage(`{"roles":["admin","é"],"big":9007199254740993,"exp":1}`),
	}
}

func mustSign(tb testing.TB, a *token.Access, k token.Key) string {
	tb.Helper()
	text, err := a.Sign(k)
	require.NoError(tb, err)
	return text
}

var rawURL = base64.RawURLEncoding

func encode(b []byte) string { return rawURL.EncodeToString(b) }

func decode(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := rawURL.DecodeString(text)
	require.NoError(tb, err)
	return b
}

// forge signs any header and claims with HMAC-SHA-256, as somebody who holds
// the key but not our code would.
func forge(header, claims string, secret []byte) string {
	return signText(encode([]byte(header))+"."+encode([]byte(claims)), secret)
}

// signText appends a signature to text, whatever it is.
func signText(signed string, secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

const goodHeader = `{"alg":"HS256","kid":"access-1","typ":"sessionkit+jwt"}`

// claims returns the JSON of valid claims in which the named ones have another
// raw value: claims("exp", "1"). The value "" leaves a claim out.
func claims(changes ...string) string {
	return object(changes, "", quoted(0x33, 16))
}

// older is claims in the form that was made before.
func older(changes ...string) string {
	return object(changes, "1767225600", quoted32(0x33))
}

func object(changes []string, notBefore, proof string) string {
	members := []string{
		"iss", `"` + issuer + `"`, "aud", `"` + audience + `"`, "sub", `"007"`, "sid", `"` + handle + `"`,
		"iat", "1767225600", "nbf", notBefore, "exp", "1767229200", "jti", `"token-1"`,
		"auth_time", "1767225500", "gen", "7", "rti", "1767225600123",
		"rt2", quoted32(0x22), "prt2", quoted32(0x11), "acs", proof, "pl", `{"a":1}`,
	}
	var out []string
	for member := range slices.Chunk(members, 2) {
		name, value := member[0], member[1]
		if i := slices.Index(changes, name); i >= 0 && i%2 == 0 {
			value = changes[i+1]
		}
		if value != "" {
			out = append(out, `"`+name+`":`+value)
		}
	}
	return "{" + strings.Join(out, ",") + "}"
}

// plus adds raw members to the claims.
func plus(members string) string {
	return strings.TrimSuffix(claims(), "}") + "," + members + "}"
}

func quoted32(b byte) string { return quoted(b, 32) }

func quoted(b byte, size int) string { return `"` + encode(bytes.Repeat([]byte{b}, size)) + `"` }
