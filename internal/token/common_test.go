package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
	return func(kid string, _ int64) ([]byte, error) {
		if kid != k.ID {
			return nil, errors.ErrKeyUnknown
		}
		return k.Secret, nil
	}
}

// noKeys fails the test when a key is asked for.
func noKeys(t testing.TB) token.Keys {
	return func(string, int64) ([]byte, error) {
		t.Helper()
		t.Error("a key was looked up")
		return nil, errors.ErrKeyUnknown
	}
}

func expect() token.Expect {
	return token.Expect{Issuer: issuer, Audience: audience, Now: now, Leeway: 5 * time.Second}
}

func hashOf(b byte) models.Hash { return bytes32(b) }

func bytes32(b byte) (out [32]byte) {
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
		Refresh: hashOf(0x22), Parent: hashOf(0x11), AntiCSRF: bytes32(0x33),
		Payload: json.RawMessage(`{"roles":["admin","é"],"big":9007199254740993,"exp":1}`),
	}
}

func mustSign(t testing.TB, a *token.Access, k token.Key) string {
	t.Helper()
	text, err := a.Sign(k)
	require.NoError(t, err)
	return text
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}

// forge signs any header and claims with HMAC-SHA-256, as somebody who holds
// the key but not our code would.
func forge(header, claims string, secret []byte) string {
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

const goodHeader = `{"alg":"HS256","kid":"access-1","typ":"sessionkit+jwt"}`

// goodClaims returns the JSON of valid claims.
func goodClaims(t testing.TB) string {
	t.Helper()
	return string(decode(t, strings.Split(mustSign(t, access(), accessKey), ".")[1]))
}
