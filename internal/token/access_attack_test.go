package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// attack is a text that is no valid access token. All but the forged ones carry
// a right signature, so that only the named fault can be what refuses them.
type attack struct {
	name, text string
	want       error
}

func header(alg, kid, typ string) string {
	return `{"alg":` + alg + `,"kid":` + kid + `,"typ":` + typ + `}`
}

func headerAttacks() []attack {
	const alg, kid, typ = `"HS256"`, `"access-1"`, `"sessionkit+jwt"`
	foreign, malformed := errors.ErrTokenForeign, errors.ErrTokenMalformed
	rows := []attack{
		{"alg none", header(`"none"`, kid, typ), foreign},
		{"alg NoNe", header(`"NoNe"`, kid, typ), foreign},
		{"alg empty", header(`""`, kid, typ), foreign},
		{"alg missing", `{"kid":"access-1","typ":"sessionkit+jwt"}`, foreign},
		{"alg lower case", header(`"hs256"`, kid, typ), foreign},
		{"alg with a space", header(`"HS256 "`, kid, typ), foreign},
		{"alg RS256", header(`"RS256"`, kid, typ), foreign},
		{"alg ES256", header(`"ES256"`, kid, typ), foreign},
		{"alg PS256", header(`"PS256"`, kid, typ), foreign},
		{"alg EdDSA", header(`"EdDSA"`, kid, typ), foreign},
		{"alg HS512", header(`"HS512"`, kid, typ), foreign},
		{"alg array", header(`["HS256"]`, kid, typ), foreign},
		{"alg null", header(`null`, kid, typ), foreign},
		{"alg twice", `{"alg":"none",` + header(alg, kid, typ)[1:], foreign},
		{"alg twice by an escape", `{"\u0061lg":"none",` + header(alg, kid, typ)[1:], foreign},
		{"alg in other case too", `{"ALG":"none",` + header(alg, kid, typ)[1:], foreign},
		{"alg in other case only", `{"Alg":"HS256","kid":"access-1","typ":"sessionkit+jwt"}`, foreign},
		{"typ JWT", header(alg, kid, `"JWT"`), foreign},
		{"typ at+jwt", header(alg, kid, `"at+jwt"`), foreign},
		{"typ in other case", header(alg, kid, `"SessionKit+JWT"`), foreign},
		{"typ as media type", header(alg, kid, `"application/sessionkit+jwt"`), foreign},
		{"typ missing", `{"alg":"HS256","kid":"access-1"}`, foreign},
		{"typ array", header(alg, kid, `["sessionkit+jwt"]`), foreign},
		{"kid missing", `{"alg":"HS256","typ":"sessionkit+jwt"}`, foreign},
		{"kid a path", header(alg, `"../../dev/null"`, typ), malformed},
		{"kid SQL", header(alg, `"' OR 1=1 --"`, typ), malformed},
		{"kid with a line feed", header(alg, `"access-1\n"`, typ), malformed},
		{"kid too long", header(alg, `"`+strings.Repeat("k", 33)+`"`, typ), malformed},
		{"kid number", header(alg, `1`, typ), foreign},
		{"kid null", header(alg, `null`, typ), foreign},
		{"header with trailing data", goodHeader + "{}", foreign},
		{"header with a trailing comma", strings.TrimSuffix(goodHeader, "}") + ",}", foreign},
		{"header array", `[` + goodHeader + `]`, foreign},
		{"header null", `null`, foreign},
		{"header string", `"HS256"`, foreign},
		{"header of zero bytes", "\x00\x00\x00", foreign},
		{"header not UTF-8", header("\"HS256\xff\"", kid, typ), foreign},
		{"header in another order", `{"typ":"sessionkit+jwt","alg":"HS256","kid":"access-1"}`, foreign},
		{"header with a space", strings.Replace(goodHeader, ":", ": ", 1), foreign},
		{"header with an escape", strings.Replace(goodHeader, "typ", `\u0074yp`, 1), foreign},
		{"header with a line feed", goodHeader + "\n", foreign},
		{"header whose quotes overlap", `{"alg":"HS256","kid":"` + `,"typ":"sessionkit+jwt"}`, foreign},
		{"kid empty", header(alg, `""`, typ), malformed},
		{"header too long", strings.Repeat(" ", 200) + goodHeader, malformed},
	}
	for _, member := range []string{
		`"jwk":{"kty":"oct","k":"AAAA"}`, `"jku":"https://evil.example"`, `"x5u":"https://evil.example"`,
		`"x5c":["AAAA"]`, `"x5t":"AAAA"`, `"crit":["exp"]`, `"crit":[]`, `"b64":false`, `"zip":"DEF"`, `"enc":"A128GCM"`, `"cty":"JWT"`,
	} {
		rows = append(rows, attack{"header with " + member, strings.TrimSuffix(goodHeader, "}") + "," + member + "}", foreign})
		rows = append(rows, attack{"header led by " + member, "{" + member + "," + goodHeader[1:], foreign})
	}
	for i := range rows {
		rows[i].text = forge(rows[i].text, claims(), accessKey.Secret)
	}
	none := encode([]byte(header(`"none"`, kid, typ))) + "." + encode([]byte(claims())) + "."
	return append(rows, attack{"alg none without a signature", none, foreign})
}

func formAttacks() []attack {
	good := forge(goodHeader, claims(), accessKey.Secret)
	part := strings.Split(good, ".")
	h, c, s := part[0], part[1], part[2]
	rows := []attack{
		{name: "empty", text: ""},
		{name: "dots only", text: ".."},
		{name: "one segment", text: h + c + s},
		{name: "two segments", text: h + "." + c},
		{name: "four segments", text: good + "." + s},
		{name: "four segments, the last empty", text: good + "."},
		{name: "five segments of a JWE", text: h + ".." + c + "." + s + "." + s},
		{name: "no header", text: "." + c + "." + s},
		{name: "no claims", text: h + ".." + s},
		{name: "no signature", text: h + "." + c + "."},
		{name: "JSON serialisation", text: `{"protected":"` + h + `","payload":"` + c + `","signature":"` + s + `"}`},
		{name: "Bearer", text: "Bearer " + good},
		{name: "space before", text: " " + good},
		{name: "space after", text: good + " "},
		{name: "line feed after", text: good + "\n"},
		{name: "CR LF inside the signature", text: good[:len(good)-5] + "\r\n" + good[len(good)-5:]},
		{name: "line feed inside the header", text: h[:5] + "\n" + h[5:] + "." + c + "." + s},
		{name: "CR inside the signature", text: good[:len(good)-5] + "\r" + good[len(good)-5:]},
		{name: "CR inside the header", text: resign(h[:5]+"\r"+h[5:], c)},
		{name: "CR in signed claims", text: resign(h, c[:8]+"\r"+c[8:])},
		{name: "NUL after", text: good + "\x00"},
		{name: "padded signature", text: good + "="},
		{name: "padded header", text: resign(h+"=", c)},
		{name: "padded claims", text: resign(h, c+"==")},
		{name: "line feed in signed claims", text: resign(h, c[:8]+"\n"+c[8:])},
		{name: "trailing bits in the signature", text: good[:len(good)-1] + sibling(good[len(good)-1])},
		{name: "trailing bits in signed claims", text: resign(h, withTrailingBits(claims()))},
		{name: "standard alphabet", text: h + "." + c + "." + strings.Repeat("+/", 21) + "A"},
		{name: "signature of 31 bytes", text: h + "." + c + "." + encode(make([]byte, 31))},
		{name: "signature of 33 bytes", text: h + "." + c + "." + encode(make([]byte, 33))},
		{name: "one byte too long", text: good + strings.Repeat("A", token.MaxAccessLen+1-len(good))},
		{name: "too long but right otherwise", text: forge(goodHeader, claims("pl", `"`+strings.Repeat("a", 3000)+`"`), accessKey.Secret)},
		{name: "a megabyte", text: strings.Repeat("A.", 1<<19)},
	}
	for i := range rows {
		rows[i].want = errors.ErrTokenMalformed
	}
	long := hmac.New(sha512.New, accessKey.Secret)
	long.Write([]byte(h + "." + c))
	forged := errors.ErrTokenForged
	return append(rows,
		attack{"signature of zeros", h + "." + c + "." + encode(make([]byte, 32)), forged},
		attack{"signature of HS512, cut", h + "." + c + "." + encode(long.Sum(nil)[:32]), forged},
		attack{"signed with a public key", forge(goodHeader, claims(), []byte("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")), forged},
		attack{"signed with an empty key", forge(goodHeader, claims(), nil), forged},
		attack{"signed with the refresh key", forge(goodHeader, claims(), refreshKey.Secret), forged},
		attack{"claims exchanged", h + "." + encode([]byte(claims("sub", `"admin"`))) + "." + s, forged},
		attack{"unknown key", forge(header(`"HS256"`, `"other"`, `"sessionkit+jwt"`), claims(), accessKey.Secret), errors.ErrKeyUnknown},
	)
}

// resign signs segments as they are, well encoded or not.
func resign(h, c string) string {
	return signText(h+"."+c, accessKey.Secret)
}

// sibling is a character that differs from c in the low bits only, which the
// last one of 32 bytes does not use.
func sibling(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

// withTrailingBits encodes claims so that the last character has unused bits,
// and sets one.
func withTrailingBits(claims string) string {
	for len(claims)%3 == 0 {
		claims += " "
	}
	text := encode([]byte(claims))
	return text[:len(text)-1] + sibling(text[len(text)-1])
}

func claimAttacks() []attack {
	deep := strings.Repeat("[", token.MaxPayloadDepth+1) + strings.Repeat("]", token.MaxPayloadDepth+1)
	texts := map[string]string{
		"exp twice":                     plus(`"exp":9999999999`),
		"exp and EXP":                   plus(`"EXP":9999999999`),
		"EXP in front":                  `{"EXP":9999999999,` + claims()[1:],
		"exp twice by an escape":        plus(`"\u0065xp":9999999999`),
		"Exp only":                      strings.Replace(claims(), `"exp"`, `"Exp"`, 1),
		"sub and SUB":                   plus(`"SUB":"admin"`),
		"sub with a long s":             plus(`"ſub":"admin"`),
		"unknown name twice":            plus(`"x":1,"x":2`),
		"twice the same name below":     plus(`"x":{"y":{"a":1,"a":2}}`),
		"payload twice":                 plus(`"pl":{"role":"admin"}`),
		"payload in other case":         plus(`"PL":{"role":"admin"}`),
		"twice the same in the payload": claims("pl", `{"role":"user","role":"admin"}`),
		"the same by an escape":         claims("pl", `[{"role":"user","r\u006fle":"admin"}]`),
		"payload too deep":              claims("pl", deep),
		"unknown claim too deep":        plus(`"x":` + deep),
		"a thousand levels":             claims("pl", strings.Repeat("[", 1000)+strings.Repeat("]", 1000)),
		"a thousand levels, left open":  `{"pl":` + strings.Repeat(`{"a":`, 400),
		"payload NaN":                   claims("pl", `NaN`),
		"payload cut":                   claims("pl", `{"a":`),
		"payload with a raw line feed":  claims("pl", "\"a\nb\""),
		"payload with half a surrogate": claims("pl", `"\ud800"`),
		"payload with a wrong escape":   claims("pl", `"\x41"`),
		"payload not UTF-8":             claims("pl", "\"\xff\""),
		"payload of overlong UTF-8":     claims("pl", "\"\xc0\xaf\""),
		"aud array":                     claims("aud", `["app"]`),
		"aud null":                      claims("aud", `null`),
		"iss object":                    claims("iss", `{}`),
		"sub number":                    claims("sub", `7`),
		"sub empty":                     claims("sub", `""`),
		"sub of 256 bytes":              claims("sub", `"`+strings.Repeat("u", 256)+`"`),
		"sid upper case":                claims("sid", `"`+strings.ToUpper(handle)+`"`),
		"sid with trailing bits":        claims("sid", `"`+handle[:25]+`5"`),
		"sid number":                    claims("sid", `1`),
		"jti empty":                     claims("jti", `""`),
		"gen negative":                  claims("gen", `-1`),
		"gen beyond 63 bits":            claims("gen", `9223372036854775808`),
		"gen over the cap":              claims("gen", `1099511627777`),
		"gen at the end of int64":       claims("gen", `9223372036854775807`),
		"rti beyond the year 9999":      claims("rti", `253402300800000`),
		"rt2 short":                     claims("rt2", `"AAAA"`),
		"rt2 padded":                    claims("rt2", strings.TrimSuffix(quoted32(1), `"`)+`="`),
		"rt2 zero":                      claims("rt2", quoted32(0)),
		"prt2 zero":                     claims("prt2", quoted32(0)),
		"prt2 null":                     claims("prt2", `null`),
		"acs zero":                      claims("acs", quoted(0, 16)),
		"acs of the form before":        claims("acs", quoted32(0x33)),
		"acs of 15 bytes":               claims("acs", quoted(1, 15)),
		"acs of 17 bytes":               claims("acs", quoted(1, 17)),
		"acs padded":                    claims("acs", strings.TrimSuffix(quoted(1, 16), `"`)+`=="`),
		"acs with trailing bits":        claims("acs", strings.TrimSuffix(quoted(1, 16), `Q"`)+`R"`),
		"acs null":                      claims("acs", `null`),
		"acs empty":                     claims("acs", `""`),
		"acs twice":                     plus(`"acs":` + quoted(0x33, 16)),
		"nbf beside acs of today":       claims("nbf", `1767225600`),
		"nbf without what was with it":  claims("nbf", `1767225600`, "acs", "", "prt2", "", "rt2", "", "rti", ""),
		"rt2 and rti without prt2":      claims("prt2", ""),
		"rt2 alone":                     claims("prt2", "", "rti", ""),
		"rti alone":                     claims("prt2", "", "rt2", ""),
		"rti 0 alone":                   claims("prt2", "", "rt2", "", "rti", "0"),
		"prt2 alone":                    claims("rt2", "", "rti", ""),
		"older, acs zero":               older("acs", quoted32(0)),
		"older, acs half zero":          older("acs", `"`+encode(append(make([]byte, 16), bytes.Repeat([]byte{1}, 16)...))+`"`),
		"older, acs of today":           older("acs", quoted(0x33, 16)),
		"older, acs of 31 bytes":        older("acs", quoted(1, 31)),
		"older, acs of 33 bytes":        older("acs", quoted(1, 33)),
		"older, acs with trailing bits": older("acs", strings.TrimSuffix(quoted32(1), `E"`)+`F"`),
		"older, rt2 missing":            older("rt2", ""),
		"older, rti missing":            older("rti", ""),
		"older, promoted without rt2":   older("prt2", "", "rt2", ""),
		"older, promoted without rti":   older("prt2", "", "rti", ""),
		"older, nbf twice":              strings.TrimSuffix(older(), "}") + `,"nbf":1767225600}`,
		"trailing object":               claims() + `{"exp":9999999999}`,
		"trailing bracket":              claims() + `}`,
		"trailing NUL":                  claims() + "\x00",
		"trailing comma":                strings.TrimSuffix(claims(), "}") + ",}",
		"comma missing":                 strings.Replace(claims(), ",", " ", 1),
		"colon missing":                 strings.Replace(claims(), ":", " ", 1),
		"comment":                       claims() + "//",
		"single quotes":                 strings.ReplaceAll(claims(), `"`, `'`),
		"byte order mark":               "\ufeff" + claims(),
		"cut":                           claims()[:100],
		"array":                         "[" + claims() + "]",
		"null":                          "null",
		"no members":                    "{}",
	}
	for _, name := range []string{"iss", "aud", "sub", "sid", "iat", "exp", "jti", "auth_time", "gen", "rti", "rt2"} {
		texts[name+" missing"] = claims(name, "")
		texts[name+" null"] = claims(name, "null")
		texts["older, "+name+" missing"] = older(name, "")
		texts["older, "+name+" null"] = older(name, "null")
	}
	texts["nbf null"] = older("nbf", "null")
	for _, name := range []string{"exp", "iat", "nbf", "auth_time", "rti"} {
		for _, value := range []string{
			`NaN`, `Infinity`, `-1`, `-0`, `01`, `+1`, `0x10`, `1e308`, `1e3`, `1.5`, `1767229200.0`, `"1767229200"`, `true`,
			`[1767229200]`, `{}`, `253402300800000`, `9223372036854775808`, `18446744073709551616`,
		} {
			texts[name+" "+value] = claims(name, value)
			texts["older, "+name+" "+value] = older(name, value)
		}
	}
	var rows []attack
	for name, text := range texts {
		rows = append(rows, attack{name, forge(goodHeader, text, accessKey.Secret), errors.ErrTokenMalformed})
	}
	for name, text := range map[string]string{
		"iss of another":    claims("iss", `"https://app.example.evil"`),
		"iss with a slash":  claims("iss", `"`+issuer+`/"`),
		"iss in other case": claims("iss", `"https://APP.example"`),
		"aud of another":    claims("aud", `"other"`),
		"aud in other case": claims("aud", `"App"`),
		"aud with a space":  claims("aud", `"app "`),
		"iss and aud empty": claims("iss", `" "`, "aud", `" "`),
	} {
		rows = append(rows, attack{name, forge(goodHeader, text, accessKey.Secret), errors.ErrTokenForeign})
	}
	return rows
}

func attacks() []attack {
	return slices.Concat(headerAttacks(), formAttacks(), claimAttacks(), rareClaimAttacks())
}

// The table means nothing unless the token that it varies is valid.
func TestAttacksStartFromAValidToken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		forge(goodHeader, claims(), accessKey.Secret),
		forge(goodHeader, plus(`"later":{"version":[1]}`), accessKey.Secret),
		forge(goodHeader, " {"+strings.ReplaceAll(claims()[1:], `,"`, " ,\t\""), accessKey.Secret),
		forge(goodHeader, claims("pl", strings.Repeat("[", token.MaxPayloadDepth)+strings.Repeat("]", token.MaxPayloadDepth)), accessKey.Secret),
		forge(goodHeader, claims("gen", "1099511627776", "rti", "253402300799999"), accessKey.Secret),
		forge(goodHeader, claims("prt2", "", "rt2", "", "rti", "", "acs", "", "pl", ""), accessKey.Secret),
		forge(goodHeader, claims("rti", "0"), accessKey.Secret),
		forge(goodHeader, older(), accessKey.Secret),
		forge(goodHeader, older("prt2", "", "acs", "", "pl", ""), accessKey.Secret),
		resign(encode([]byte(goodHeader)), encode([]byte(claims()))),
	} {
		_, err := token.ParseAccess(text, only(accessKey), expect())
		require.NoError(t, err)
		require.True(t, token.LooksLikeAccess(text))
	}
}

func TestParseAccessRefuses(t *testing.T) {
	t.Parallel()
	rows := attacks()
	require.Greater(t, len(rows), 200)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, err := token.ParseAccess(row.text, only(accessKey), expect())
			require.ErrorIs(t, err, row.want)
			require.Nil(t, a)
			got, err := token.Identify(row.text, only(accessKey), issuer, []string{audience})
			require.ErrorIs(t, err, row.want)
			require.Empty(t, got)
		})
	}
}

// A text that is refused for its form or header costs no look at the keys.
func TestParseAccessRefusesBeforeAskingForAKey(t *testing.T) {
	t.Parallel()
	for _, row := range append(headerAttacks(), formAttacks()...) {
		if errors.Is(row.want, errors.ErrTokenForged) || errors.Is(row.want, errors.ErrKeyUnknown) {
			continue
		}
		if strings.Contains(row.name, "signed claims") || row.name == "padded claims" {
			continue // claims are decoded after the signature only
		}
		_, err := token.ParseAccess(row.text, noKeys(t), expect())
		require.ErrorIs(t, err, row.want, row.name)
	}
}

func TestLooksLikeAccessRefusesHeadersThatAreNotOurs(t *testing.T) {
	t.Parallel()
	for _, row := range headerAttacks() {
		require.False(t, token.LooksLikeAccess(row.text), row.name)
	}
	good := forge(goodHeader, claims(), accessKey.Secret)
	for _, text := range []string{good + ".", good + "." + good, good + strings.Repeat("A", token.MaxAccessLen), "", "..", "a.b", "Bearer x.y.z", strings.Repeat("A.", token.MaxAccessLen)} {
		require.False(t, token.LooksLikeAccess(text))
	}
}

// The claims of a forged token are not looked at: it is forged, whatever they
// say.
func TestParseAccessVerifiesBeforeItReadsClaims(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", "null", claims("exp", "1"), claims("iss", `"x"`), "\xff", claims("pl", strings.Repeat("[", 1000))} {
		_, err := token.ParseAccess(forge(goodHeader, text, refreshKey.Secret), only(accessKey), expect())
		require.ErrorIs(t, err, errors.ErrTokenForged)
	}
}

// Every single bit of a token counts.
func TestParseAccessRefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	text := mustSign(t, access(), accessKey)
	for i := range len(text) {
		for bit := range 8 {
			changed := []byte(text)
			changed[i] ^= 1 << bit
			_, err := token.ParseAccess(string(changed), only(accessKey), expect())
			require.Error(t, err, "byte %d, bit %d", i, bit)
		}
		_, err := token.ParseAccess(text[:i], only(accessKey), expect())
		require.Error(t, err, "cut to %d", i)
		_, err = token.ParseAccess(text[i+1:], only(accessKey), expect())
		require.Error(t, err, "without the first %d", i+1)
	}
}

// A key lookup that finds nothing and says so with no error must not make
// tokens authentic that anybody can sign.
func TestParseAccessRefusesAShortSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range [][]byte{nil, {}, bytes.Repeat([]byte{1}, token.MinSecretLen-1)} {
		keys := func(string, int64) (token.Key, error) { return token.Key{Secret: secret}, nil }
		_, err := token.ParseAccess(forge(goodHeader, claims(), secret), keys, expect())
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
	}
}
