package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// requireReason demands one of the reasons that the parsers document.
func requireReason(t *testing.T, err error) {
	t.Helper()
	reasons := []error{
		errors.ErrTokenMalformed, errors.ErrTokenForged, errors.ErrTokenForeign, errors.ErrTokenExpired,
		errors.ErrTokenFromFuture, errors.ErrKeyUnknown,
	}
	// Not errors.Is: a wrapped one could carry something of the input.
	require.True(t, slices.Contains(reasons, err), "unexpected error %v", err)
}

// FuzzAccessToken takes its input as a whole token, as the claims and as the
// header of an authentic one, and as a payload: no fuzzer guesses a signature.
func FuzzAccessToken(f *testing.F) {
	f.Add(knownAccess)
	f.Add(knownOlderAccess)
	f.Add(older())
	f.Add(older("prt2", ""))
	f.Add(claims("prt2", "", "rt2", "", "rti", ""))
	for _, row := range attacks() {
		if len(row.text) > 2*token.MaxAccessLen {
			continue
		}
		f.Add(row.text)
		for part := range strings.SplitSeq(row.text, ".") {
			if plain, err := rawURL.DecodeString(part); err == nil {
				f.Add(string(plain))
			}
		}
	}
	f.Add(string(decode(f, strings.Split(mustSign(f, rare(), accessKey), ".")[1])))
	f.Add(plus(`"amr":["pwd"],"acr":"2","flg":1`))
	for _, text := range append(badJSON, goodJSON...) {
		f.Add(text)
		f.Add(claims("pl", text))
	}
	f.Fuzz(func(t *testing.T, input string) {
		checkAccess(t, input)
		checkAccess(t, forge(goodHeader, input, accessKey.Secret))
		checkAccess(t, forge(goodHeader, claims("pl", input), accessKey.Secret))
		checkAccess(t, forge(goodHeader, older("pl", input), accessKey.Secret))
		checkAccess(t, forge(input, claims(), accessKey.Secret))
		requireAsReference(t, []byte(input))
		checkPayloadRoundTrip(t, input)
	})
}

// checkAccess demands of every accepted token that it is authentic, has one
// text form, and reads the same to other JSON parsers.
func checkAccess(t *testing.T, text string) {
	t.Helper()
	a, err := token.ParseAccess(text, only(accessKey), expect())
	if err != nil {
		requireReason(t, err)
		require.Nil(t, a)
		return
	}
	require.LessOrEqual(t, len(text), token.MaxAccessLen)
	require.True(t, token.LooksLikeAccess(text))
	part := strings.Split(text, ".")
	require.Len(t, part, 3)
	for _, segment := range part {
		require.Equal(t, segment, encode(decode(t, segment)), "one text form")
	}
	mac := hmac.New(sha256.New, accessKey.Secret)
	mac.Write([]byte(part[0] + "." + part[1]))
	require.Equal(t, encode(mac.Sum(nil)), part[2], "authentic")

	requireHeaderReadsAlike(t, decode(t, part[0]))
	requireClaimsReadAlike(t, decode(t, part[1]), a)

	again, err := token.ParseAccess(mustSign(t, a, accessKey), only(accessKey), expect())
	require.NoError(t, err)
	require.Equal(t, a, again)
	got, err := token.Identify(text, only(accessKey), issuer, []string{audience})
	require.NoError(t, err)
	require.Equal(t, token.Identity{
		Handle: a.Handle, UserID: a.UserID, Replaces: a.Replaces, Gen: a.Gen, IssuedAt: a.IssuedAt, ExpiresAt: a.ExpiresAt, AntiCSRF: a.AntiCSRF,
	}, got)
}

func requireHeaderReadsAlike(t *testing.T, data []byte) {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal(data, &all))
	require.Equal(t, map[string]any{"alg": "HS256", "kid": accessKey.ID, "typ": "sessionkit+jwt"}, all)
}

// requireClaimsReadAlike reads the claims with encoding/json, which ignores the
// case of names and takes the last of several, and compares.
func requireClaimsReadAlike(t *testing.T, data []byte, a *token.Access) {
	t.Helper()
	var got struct {
		Iss, Sub, Sid, Jti, Rt2, Prt2, Acs string
		Aud                                jwt.ClaimStrings
		Iat, Nbf, Exp, Gen, Rti            int64
		AuthTime                           int64 `json:"auth_time"`
		Pl                                 json.RawMessage
	}
	require.NoError(t, json.Unmarshal(data, &got))
	require.Equal(t, [4]string{got.Iss, got.Sub, got.Sid, got.Jti},
		[4]string{a.Issuer, a.UserID, a.Handle, a.ID})
	require.Equal(t, append([]string{a.Audience}, a.Others...), []string(got.Aud))
	require.Equal(t, [4]int64{got.Iat, got.Exp, got.AuthTime, got.Gen},
		[4]int64{a.IssuedAt, a.ExpiresAt, a.AuthTime, a.Gen})
	require.Equal(t, string(got.Pl), string(a.Payload))
	require.LessOrEqual(t, max(got.Iat, got.Nbf)*1000, now+65_000)
	require.Greater(t, got.Exp*1000+5000, now)

	require.Equal(t, got.Prt2 == "", a.Parent.IsZero())
	require.Equal(t, got.Acs == "", a.AntiCSRF.IsZero())
	require.True(t, bytes.HasPrefix(decode(t, got.Acs), a.AntiCSRF[:]) || got.Acs == "")
	_, isOlder := names(t, data)["nbf"]
	if got.Acs != "" {
		require.Len(t, decode(t, got.Acs), map[bool]int{false: 16, true: 32}[isOlder])
	}
	for name, there := range map[string]bool{"rt2": got.Rt2 != "", "rti": names(t, data)["rti"] != nil} {
		require.Equal(t, isOlder || got.Prt2 != "", there, name)
	}
	if got.Prt2 == "" {
		require.True(t, a.Refresh.IsZero())
		require.Zero(t, a.RefreshIssuedAt)
	} else {
		require.Equal(t, got.Rt2, encode(a.Refresh[:]))
		require.Equal(t, got.Rti, a.RefreshIssuedAt)
	}
}

func names(t *testing.T, data []byte) (all map[string]json.RawMessage) {
	t.Helper()
	require.NoError(t, json.Unmarshal(data, &all))
	return all
}

// checkPayloadRoundTrip signs input as a payload: what can be signed comes back
// byte for byte, and nothing else changes.
func checkPayloadRoundTrip(t *testing.T, input string) {
	t.Helper()
	want := access()
	want.Payload = json.RawMessage(input)
	text, err := want.Sign(accessKey)
	if err != nil {
		return
	}
	got, err := token.ParseAccess(text, only(accessKey), expect())
	require.NoError(t, err)
	require.Equal(t, strings.Trim(input, " \t\r\n"), string(got.Payload))
	want.Payload, got.Payload = nil, nil
	require.Equal(t, want, got)
}

// FuzzRefreshToken takes its input as a whole token, as the authenticated bytes
// of one, and as those of one whose handle commits to its family secret: no
// fuzzer guesses a MAC or a hash.
func FuzzRefreshToken(f *testing.F) {
	f.Add([]byte(knownRefresh))
	f.Add([]byte(knownRefresh1))
	for _, row := range refreshAttacks(f) {
		if len(row.text) > 2*token.MaxRefreshLen {
			continue
		}
		f.Add([]byte(row.text))
		if raw, err := rawURL.DecodeString(row.text); err == nil && len(raw) > 32 {
			f.Add(raw[:len(raw)-32])
		}
	}
	f.Add(shardedBody(f))
	f.Fuzz(func(t *testing.T, input []byte) {
		checkRefresh(t, string(input))
		checkRefresh(t, sealRaw(input, refreshKey.Secret))
		checkRefresh(t, sealRaw(committed(input), refreshKey.Secret))
	})
}

// checkRefresh demands of every accepted token that it is authentic, has one
// text form, and says what its bytes say.
func checkRefresh(t *testing.T, text string) {
	t.Helper()
	r, hash, err := token.ParseRefresh(text, only(refreshKey), issuer, audience)
	if err != nil {
		requireReason(t, err)
		require.Nil(t, r)
		require.Equal(t, err != errors.ErrTokenMalformed, token.LooksLikeRefresh(text)) //nolint:errorlint // as in requireReason
		return
	}
	require.True(t, token.LooksLikeRefresh(text))
	require.Less(t, len(text), 300)
	require.True(t, token.ValidHandle(r.Handle()))
	raw := decode(t, text)
	require.Equal(t, text, encode(raw), "one text form")
	require.Equal(t, text, sealRaw(raw[:len(raw)-32], refreshKey.Secret), "authentic")
	once := sha256.Sum256(append([]byte("sessionkit refresh token v1 hash\x00"), raw...))
	require.Equal(t, models.Hash(sha256.Sum256(once[:])), hash)
	require.Equal(t, raw, append(committed(raw[:len(raw)-32]), raw[len(raw)-32:]...), "the handle commits to the family secret")
	again, sameHash := r.Seal(refreshKey, issuer, audience)
	require.Equal(t, raw[0] >= 2, text == again)
	require.Equal(t, raw[0] >= 2, hash == sameHash)
	require.True(t, bytes.Contains(raw, r.Parent[:]))
}
