package token_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// The text was computed from the description of the format by another program.
const knownAccess = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImthdC1rZXlfMSIsInR5cCI6InNlc3Npb25raXQrand0In0." +
	"eyJpc3MiOiJodHRwczovL2FwcC5leGFtcGxlIiwiYXVkIjoiYXBwIiwic3ViIjoiem_DqyBcInFcIiBcXCBcdTAwMDEiLCJzaWQiOiIwNmRuZG1sODAyZ2EzOGwza2lpcWQ5dDhsNCIs" +
	"ImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwLCJqdGkiOiJ0b2tlbi0xIiwiYXV0aF90aW1lIjoxNzY3MjI1NTAwLCJnZW4iOjcsInJ0aSI6MTc2NzIyNTYwMDEyMywicnQy" +
	"IjoiSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSSIsInBydDIiOiJFUkVSRVJFUkVSRVJFUkVSRVJFUkVSRVJFUkVSRVJFUkVSRVJFUkVSRVJFIiwiYWNz" +
	"IjoiTXpNek16TXpNek16TXpNek16TXpNdyIsInBsIjpbMTg0NDY3NDQwNzM3MDk1NTE2MTcsbnVsbF19." +
	"SgEN59PnV1mhz9fNqpWN9-IzCRqUHrdQgnCO043sJzI"

// The same token in the form that was made before, computed likewise.
const knownOlderAccess = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImthdC1rZXlfMSIsInR5cCI6InNlc3Npb25raXQrand0In0." +
	"eyJpc3MiOiJodHRwczovL2FwcC5leGFtcGxlIiwiYXVkIjoiYXBwIiwic3ViIjoiem_DqyBcInFcIiBcXCBcdTAwMDEiLCJzaWQiOiIwNmRuZG1sODAyZ2EzOGwza2lpcWQ5dDhsNCIs" +
	"ImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjkyMDAsImp0aSI6InRva2VuLTEiLCJhdXRoX3RpbWUiOjE3NjcyMjU1MDAsImdlbiI6NywicnRpIjox" +
	"NzY3MjI1NjAwMTIzLCJydDIiOiJJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJaUlpSWlJIiwicHJ0MiI6IkVSRVJFUkVSRVJFUkVSRVJFUkVSRVJFUkVSRVJFUkVS" +
	"RVJFUkVSRVJFUkUiLCJhY3MiOiJNek16TXpNek16TXpNek16TXpNek16TXpNek16TXpNek16TXpNek16TXpNIiwicGwiOlsxODQ0Njc0NDA3MzcwOTU1MTYxNyxudWxsXX0." +
	"G4gQfKgGiSjSlwXyZy1_9xVKsjkzGbA81aqoXxwcAAk"

func knownKey() token.Key {
	k := token.Key{ID: "kat-key_1", Secret: make([]byte, 32)}
	for i := range k.Secret {
		k.Secret[i] = byte(i)
	}
	return k
}

func TestAccessKnownAnswer(t *testing.T) {
	t.Parallel()
	want := access()
	want.UserID, want.Handle = "zoë \"q\" \\ \x01", "06dndml802ga38l3kiiqd9t8l4"
	want.Payload = json.RawMessage(`[18446744073709551617,null]`)
	require.Equal(t, knownAccess, mustSign(t, want, knownKey()))

	got, err := token.ParseAccess(knownAccess, only(knownKey()), expect())
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = token.ParseAccess(knownOlderAccess, only(knownKey()), expect())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// What we sign is a JWT like any other to those who hold the key.
func TestAccessIsAStandardJWT(t *testing.T) {
	t.Parallel()
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithSubject("007"), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return time.UnixMilli(now) }))
	parsed, err := parser.Parse(mustSign(t, access(), accessKey), func(tok *jwt.Token) (any, error) {
		require.Equal(t, map[string]any{"alg": "HS256", "kid": "access-1", "typ": "sessionkit+jwt"}, tok.Header)
		return accessKey.Secret, nil
	})
	require.NoError(t, err)
	require.Contains(t, parsed.Claims, "pl")
}

func TestAccessRoundTrip(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(a *token.Access){
		"as it is":            func(*token.Access) {},
		"promoted":            func(a *token.Access) { a.Promoted() },
		"no anti-CSRF token":  func(a *token.Access) { a.AntiCSRF = token.CSRFHash{} },
		"no payload":          func(a *token.Access) { a.Payload = nil },
		"payload null":        func(a *token.Access) { a.Payload = json.RawMessage("null") },
		"payload false":       func(a *token.Access) { a.Payload = json.RawMessage("false") },
		"payload empty":       func(a *token.Access) { a.Payload = json.RawMessage(`{}`) },
		"payload digits":      func(a *token.Access) { a.Payload = json.RawMessage(`[9007199254740993,-0,1.10,1E400,0.1e-9]`) },
		"payload reserved":    func(a *token.Access) { a.Payload = json.RawMessage(`{"exp":1,"sub":"x","EXP":2,"__proto__":{}}`) },
		"payload breaks out":  func(a *token.Access) { a.Payload = json.RawMessage(`"\"},\"sub\":\"admin\",{"`) },
		"payload white space": func(a *token.Access) { a.Payload = json.RawMessage("{ \"a\" :\n1 }") },
		"zero times":          func(a *token.Access) { a.IssuedAt, a.AuthTime, a.Gen, a.RefreshIssuedAt = 0, 0, 0, 0 },
		"far":                 func(a *token.Access) { a.ExpiresAt, a.Gen = 253402300799, models.MaxGeneration },
		"user id breaks out":  func(a *token.Access) { a.UserID = `","sub":"admin` },
		"user id white space": func(a *token.Access) { a.UserID = " bob\t\r\n\x00\x1f \u2028" },
		"user id of 255":      func(a *token.Access) { a.UserID = strings.Repeat("é", 127) + "x" },
		"user id markup":      func(a *token.Access) { a.UserID = "<b>&é😀\x7f" },
		"user id number":      func(a *token.Access) { a.UserID = "1e3" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := access()
			change(want)
			text := mustSign(t, want, accessKey)
			got, err := token.ParseAccess(text, only(accessKey), expect())
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, text, mustSign(t, got, accessKey), "one text for one token")
		})
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	malformed := errors.ErrTokenMalformed
	for name, row := range map[string]struct {
		want   error
		change func(a *token.Access)
	}{
		"payload twice the same name": {errors.ErrValueNotJSON, func(a *token.Access) { a.Payload = json.RawMessage(`{"a":1,"a":2}`) }},
		"payload closes the claims":   {errors.ErrValueNotJSON, func(a *token.Access) { a.Payload = json.RawMessage(`1,"sub":"admin"`) }},
		"payload not UTF-8":           {errors.ErrValueNotJSON, func(a *token.Access) { a.Payload = json.RawMessage("\"\xff\"") }},
		"payload white space only":    {errors.ErrValueNotJSON, func(a *token.Access) { a.Payload = json.RawMessage(" ") }},
		"payload too deep": {errors.ErrValueTooDeep, func(a *token.Access) {
			a.Payload = json.RawMessage(strings.Repeat("[", token.MaxPayloadDepth+1) + strings.Repeat("]", token.MaxPayloadDepth+1))
		}},
		"payload too large": {errors.ErrCookieTooLarge, func(a *token.Access) { a.Payload = json.RawMessage(`"` + strings.Repeat("a", 2800) + `"`) }},
		"payload huge":      {errors.ErrCookieTooLarge, func(a *token.Access) { a.Payload = make(json.RawMessage, 1<<20) }},
		"user id empty":     {errors.ErrUserIDInvalid, func(a *token.Access) { a.UserID = "" }},
		"user id too long":  {errors.ErrUserIDInvalid, func(a *token.Access) { a.UserID = strings.Repeat("u", models.MaxUserID+1) }},
		"user id not UTF-8": {errors.ErrUserIDInvalid, func(a *token.Access) { a.UserID = "\xff" }},
		"issuer empty":      {malformed, func(a *token.Access) { a.Issuer = "" }},
		"issuer not UTF-8":  {malformed, func(a *token.Access) { a.Issuer = "\xc3" }},
		"audience empty":    {malformed, func(a *token.Access) { a.Audience = "" }},
		"handle malformed":  {malformed, func(a *token.Access) { a.Handle = "x" }},
		"before 1970":       {malformed, func(a *token.Access) { a.IssuedAt = -1 }},
		"after 9999":        {malformed, func(a *token.Access) { a.ExpiresAt = math.MaxInt64 }},
		"gen over the cap":  {malformed, func(a *token.Access) { a.Gen = models.MaxGeneration + 1 }},
		"gen negative":      {malformed, func(a *token.Access) { a.Gen = -1 }},
		"no refresh token":  {malformed, func(a *token.Access) { a.Refresh = models.Hash{} }},
		"no parent":         {malformed, func(a *token.Access) { a.Parent = models.Hash{} }},
		"promoted by half":  {malformed, func(a *token.Access) { a.Parent, a.Refresh = models.Hash{}, models.Hash{} }},
	} {
		a := access()
		row.change(a)
		text, err := a.Sign(accessKey)
		require.ErrorIs(t, err, row.want, name)
		require.Empty(t, text, name)
	}
	for _, k := range []token.Key{{}, {ID: "a", Secret: make([]byte, 31)}, {Secret: make([]byte, 32)}, {ID: "a b", Secret: make([]byte, 32)}} {
		_, err := access().Sign(k)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
	}
}

// The longest token that can be signed can be parsed, and one byte more cannot
// be signed.
func TestSignUpToTheLimit(t *testing.T) {
	t.Parallel()
	longest := 0
	for n := 2500; ; n++ {
		a := access()
		a.Payload = json.RawMessage(`"` + strings.Repeat("a", n) + `"`)
		text, err := a.Sign(accessKey)
		if err != nil {
			require.ErrorIs(t, err, errors.ErrCookieTooLarge)
			break
		}
		longest = len(text)
		_, err = token.ParseAccess(text, only(accessKey), expect())
		require.NoError(t, err)
	}
	require.InDelta(t, token.MaxAccessLen, longest, 1)
}

func TestSignNamesTheToken(t *testing.T) {
	t.Parallel()
	a, b := access(), access()
	a.ID, b.ID = "", ""
	mustSign(t, a, accessKey)
	mustSign(t, b, accessKey)
	require.Len(t, a.ID, 16)
	require.Len(t, decode(t, a.ID), 12)
	require.NotEqual(t, a.ID, b.ID)
	require.Equal(t, accessKey.ID, a.KeyID)
}

func TestAccessTimes(t *testing.T) {
	t.Parallel()
	const leeway, skew = int64(5000), int64(60_000)
	ok, expired, future := error(nil), errors.ErrTokenExpired, errors.ErrTokenFromFuture
	for name, row := range map[string]struct {
		now    int64
		leeway time.Duration
		want   error
	}{
		"long after":                         {exp*1000 + 1e9, 5 * time.Second, expired},
		"end of the leeway + 1 ms":           {exp*1000 + leeway + 1, 5 * time.Second, expired},
		"end of the leeway":                  {exp*1000 + leeway, 5 * time.Second, expired},
		"end of the leeway - 1 ms":           {exp*1000 + leeway - 1, 5 * time.Second, ok},
		"expiry without leeway":              {exp * 1000, 0, expired},
		"expiry - 1 ms without leeway":       {exp*1000 - 1, 0, ok},
		"negative leeway counts as none":     {exp*1000 - 1, -time.Hour, ok},
		"negative leeway does not extend":    {exp * 1000, -time.Hour, expired},
		"part of a millisecond is no leeway": {exp * 1000, time.Millisecond - 1, expired},
		"issued now":                         {iat * 1000, 0, ok},
		"issued in the skew":                 {iat*1000 - skew, 0, ok},
		"issued beyond the skew":             {iat*1000 - skew - 1, 0, future},
		"issued in skew and leeway":          {iat*1000 - skew - leeway, 5 * time.Second, ok},
		"issued beyond skew and leeway":      {iat*1000 - skew - leeway - 1, 5 * time.Second, future},
		"a clock that stands at zero":        {0, 5 * time.Second, future},
		"a clock before 1970":                {-1e15, 5 * time.Second, future},
	} {
		want := expect()
		want.Now, want.Leeway = row.now, row.leeway
		a, err := token.ParseAccess(mustSign(t, access(), accessKey), only(accessKey), want)
		if row.want == nil {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, row.want, name)
		require.Nil(t, a, name)
	}
}

// nbf, of a token of the form before, and iat are looked at each by itself.
func TestAccessNotBefore(t *testing.T) {
	t.Parallel()
	at := iat*1000 + 65_000 // the latest nbf that fits "now" = iat
	want := expect()
	want.Now = iat * 1000
	for claim, value := range map[string]string{"nbf": "1767225666", "iat": "1767225666"} {
		_, err := token.ParseAccess(forge(goodHeader, older(claim, value), accessKey.Secret), only(accessKey), want)
		require.ErrorIs(t, err, errors.ErrTokenFromFuture, claim)
	}
	require.EqualValues(t, 1767225665, at/1000)
	for _, claim := range []string{"nbf", "iat"} {
		_, err := token.ParseAccess(forge(goodHeader, older(claim, "1767225665"), accessKey.Secret), only(accessKey), want)
		require.NoError(t, err, claim)
	}
}

func TestAccessOfAnotherServiceIsForeign(t *testing.T) {
	t.Parallel()
	text := mustSign(t, access(), accessKey)
	for _, want := range []token.Expect{
		{Now: now},
		{Issuer: issuer, Now: now},
		{Audiences: []string{audience}, Now: now},
		{Issuer: audience, Audiences: []string{issuer}, Now: now},
		{Issuer: issuer, Audiences: []string{"other"}, Now: now},
		{Issuer: issuer + " ", Audiences: []string{audience}, Now: now},
	} {
		_, err := token.ParseAccess(text, only(accessKey), want)
		require.ErrorIs(t, err, errors.ErrTokenForeign)
		_, err = token.Identify(text, only(accessKey), want.Issuer, want.Audiences)
		require.ErrorIs(t, err, errors.ErrTokenForeign)
	}
}

// Signing out works with a token that expired, and with one from a clock that
// runs ahead.
func TestIdentifyIgnoresTime(t *testing.T) {
	t.Parallel()
	for _, change := range []string{"0", "253402300799"} {
		got, err := token.Identify(forge(goodHeader, claims("exp", change, "iat", change), accessKey.Secret), only(accessKey), issuer, []string{audience})
		require.NoError(t, err)
		require.Equal(t, handle, got.Handle)
	}
}

// An error of the key lookup reaches the caller as it is, and the lookup is
// told nothing that is not authentic.
func TestParseAccessPassesTheKeyErrorThrough(t *testing.T) {
	t.Parallel()
	text := mustSign(t, access(), accessKey)
	down := errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown)
	keys := func(kid string, issuedAt int64) (token.Key, error) {
		require.Equal(t, accessKey.ID, kid)
		require.Zero(t, issuedAt)
		return accessKey, down
	}
	_, err := token.ParseAccess(text, keys, expect())
	require.Same(t, down, err)
	_, err = token.Identify(text, keys, issuer, []string{audience})
	require.Same(t, down, err)
}

// The payload of one token is no window into another.
func TestPayloadIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	text := mustSign(t, access(), accessKey)
	first, err := token.ParseAccess(text, only(accessKey), expect())
	require.NoError(t, err)
	_ = append(first.Payload, "xxxxxxxx"...)
	clear(first.Payload)
	second, err := token.ParseAccess(text, only(accessKey), expect())
	require.NoError(t, err)
	require.Equal(t, access().Payload, second.Payload)
}

// Every request pays for these. Not parallel: it counts allocations.
func TestParseAccessAllocatesLittle(t *testing.T) {
	keys, want := only(accessKey), expect()
	text := mustSign(t, access(), accessKey)
	forged := mustSign(t, access(), token.Key{ID: accessKey.ID, Secret: refreshKey.Secret})
	for name, row := range map[string]struct {
		most float64
		run  func() bool
	}{
		"valid":    {11, func() bool { _, err := token.ParseAccess(text, keys, want); return err == nil }},
		"forged":   {8, func() bool { _, err := token.ParseAccess(forged, keys, want); return err != nil }},
		"by looks": {1, func() bool { return token.LooksLikeAccess(text) }},
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { require.True(t, row.run()) }), row.most, name)
	}
}

// The claims of a token are read without its signature only where somebody else
// vouches for it.
func TestClaimed(t *testing.T) {
	t.Parallel()
	text := mustSign(t, access(), accessKey)
	forged := text[:len(text)-43] + encode(make([]byte, 32))
	for _, good := range []string{text, forged} {
		got, ok := token.Claimed(good)
		require.True(t, ok)
		require.Equal(t, handle, got.Handle)
	}
	for _, bad := range []string{"", "a.b.c", text[1:], forge(goodHeader, `{"sid":"`+handle+`"}`, accessKey.Secret), forge(`{"alg":"none"}`, claims(), nil)} {
		_, ok := token.Claimed(bad)
		require.False(t, ok, bad)
	}
}
