package token_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// rare returns the claims of a token that has all of those that most have not.
func rare() *token.Access {
	a := access()
	a.Start, a.AMR, a.Level, a.Idle = iat-1000, "pwd otp urn:mine.1_x-2", 9, 1800
	a.Flags, a.Replaces = models.FlagBrowserSession|models.FlagAnonymous, handle
	return a
}

func TestRareClaims_roundTrip(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*token.Access){
		"all":         func(*token.Access) {},
		"none":        func(a *token.Access) { a.Start, a.AMR, a.Level, a.Idle, a.Flags, a.Replaces = 0, "", 0, 0, 0, "" },
		"one word":    func(a *token.Access) { a.AMR = "pwd" },
		"longest amr": func(a *token.Access) { a.AMR = strings.Repeat("a", models.MaxAMR) },
		"later flags": func(a *token.Access) { a.Flags = 1<<31 - 1 },
		"level 1":     func(a *token.Access) { a.Level = 1 },
		"no start":    func(a *token.Access) { a.Start = 0 },
	} {
		a := rare()
		change(a)
		want := *a
		got, err := token.ParseAccess(mustSign(t, a, accessKey), only(accessKey), expect())
		require.NoError(t, err, name)
		want.KeyID = got.KeyID
		require.Equal(t, &want, got, name)
	}
	a := rare()
	a.Start = a.AuthTime
	got, err := token.ParseAccess(mustSign(t, a, accessKey), only(accessKey), expect())
	require.NoError(t, err)
	require.Zero(t, got.Start, "it is where the proof is")
	require.Equal(t, a.AuthTime, got.SessionStart())
}

// What others read of them: amr is an array, acr a text.
func TestRareClaims_asOthersReadThem(t *testing.T) {
	t.Parallel()
	var got map[string]any
	body := strings.Split(mustSign(t, rare(), accessKey), ".")[1]
	require.NoError(t, json.Unmarshal(decode(t, body), &got))
	require.Equal(t, []any{"pwd", "otp", "urn:mine.1_x-2"}, got["amr"])
	require.Equal(t, "9", got["acr"])
	require.InDelta(t, iat-1000, got["sat"], 0)
	require.InDelta(t, 1800, got["idl"], 0)
	require.InDelta(t, 3, got["flg"], 0)
	require.Equal(t, handle, got["rep"])

	plain := map[string]any{}
	require.NoError(t, json.Unmarshal(decode(t, strings.Split(mustSign(t, access(), accessKey), ".")[1]), &plain))
	for _, name := range []string{"sat", "amr", "acr", "idl", "flg", "rep"} {
		require.NotContains(t, plain, name, "a usual token stays as short as it was")
	}
}

// A payload is a claim of its own: its members stand for nothing.
func TestRareClaims_notFromThePayload(t *testing.T) {
	t.Parallel()
	a := access()
	a.Payload = json.RawMessage(`{"auth_time":9999999999,"amr":["hwk"],"acr":"9","flg":0,"idl":1,"sat":1,"rep":"x"}`)
	got, err := token.ParseAccess(mustSign(t, a, accessKey), only(accessKey), expect())
	require.NoError(t, err)
	require.Equal(t, a.AuthTime, got.AuthTime)
	require.Zero(t, got.Level)
	require.Empty(t, got.AMR)
	require.Zero(t, got.Flags)
	// Nor can a text break out of its place.
	for _, amr := range []string{`x"],"acr":"9`, `pwd","otp`, "pwd\n", "é", "a\\", "pwd ", " pwd", "pwd  otp", " ", "a\x00b", strings.Repeat("a", 65)} {
		a := access()
		a.AMR = amr
		_, err := a.Sign(accessKey)
		require.ErrorIs(t, err, errors.ErrTokenMalformed, "%q", amr)
	}
}

func TestRareClaims_signRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*token.Access){
		"level 10":        func(a *token.Access) { a.Level = models.MaxLevel + 1 },
		"level -1":        func(a *token.Access) { a.Level = -1 },
		"flags negative":  func(a *token.Access) { a.Flags = -1 },
		"flags too large": func(a *token.Access) { a.Flags = 1 << 31 },
		"idle negative":   func(a *token.Access) { a.Idle = -1 },
		"start negative":  func(a *token.Access) { a.Start = -1 },
		"origin no name":  func(a *token.Access) { a.Replaces = "x" },
	} {
		a := rare()
		change(a)
		_, err := a.Sign(accessKey)
		require.ErrorIs(t, err, errors.ErrTokenMalformed, name)
	}
}

// No later token of a session is longer than what Lengthen says.
func TestRareClaims_lengthen(t *testing.T) {
	t.Parallel()
	a, longest := rare(), rare()
	require.LessOrEqual(t, len(mustSign(t, a, accessKey)), longest.Lengthen(token.HS256))
}

// rareClaimAttacks are claims that we never write, under our names.
func rareClaimAttacks() []attack {
	values := map[string][]string{
		"sat": {"0", "-1", `"1767225500"`, "1.5", "null", "1e9", "[]"},
		"amr": {`"pwd"`, `"pwd otp"`, `[]`, `[""]`, `["a b"]`, `["a",""]`, `["",""]`, `[1]`, `[["pwd"]]`, `null`, `{}`, `["pwd",]`, `["é"]`, `["a\"b"]`, `["` + strings.Repeat("a", 65) + `"]`, `["` + strings.Repeat(`a","`, 40) + `a"]`},
		"acr": {`1`, `"0"`, `"10"`, `""`, `"a"`, `"1 2"`, `["1"]`, `null`, `" 1"`, `"١"`, `"-1"`},
		"idl": {"0", "-1", `"1"`, "1.0", "null"},
		"flg": {"0", "-1", `"1"`, "4294967296", "null", "true"},
		"rep": {`""`, `"x"`, "1", "null", `"` + strings.ToUpper(handle) + `"`, `"` + handle + ` "`},
	}
	var rows []attack
	for name, list := range values {
		for _, value := range list {
			text := plus(`"` + name + `":` + value)
			rows = append(rows, attack{name + " " + value, forge(goodHeader, text, accessKey.Secret), errors.ErrTokenMalformed})
		}
		for _, other := range []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			text := plus(`"` + other + `":1`)
			rows = append(rows, attack{"in other case: " + other, forge(goodHeader, text, accessKey.Secret), errors.ErrTokenMalformed})
		}
	}
	twice := plus(`"acr":"1","acr":"9"`)
	escaped := plus(`"acr":"1","\u0061cr":"9"`)
	return append(rows,
		attack{"acr twice", forge(goodHeader, twice, accessKey.Secret), errors.ErrTokenMalformed},
		attack{"acr twice by an escape", forge(goodHeader, escaped, accessKey.Secret), errors.ErrTokenMalformed},
	)
}
