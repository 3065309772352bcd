package token_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

func nest(n int, open, end string) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }

var badJSON = []string{
	``, ` `, `{`, `}`, `[`, `]`, `{]`, `[}`, `,`, `:`, `"`, `"a`, `"\`, `"\"`, `nul`, `nulll`, `True`, `NaN`, `Infinity`, `undefined`,
	`{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a":1}}`, `{"a":1}{}`, `{"a":1},`,
	`[1,]`, `[,1]`, `[1 2]`, `[1,,2]`, `1 2`, `"a" "b"`, `// 1`, `1 //`, `/**/1`, "\ufeff1", "\x00", "1\x00", "1\v", "\u00a01",
	`-`, `+1`, `01`, `-01`, `1.`, `.1`, `1.e1`, `1e`, `1e+`, `1e+-1`, `0x1`, `1_000`, `--1`, `1e1.5`, `٣`,
	`"\x41"`, `"\u12"`, `"\u12G4"`, `"\u"`, `"\U00000041"`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"",
	`"\ud800"`, `"\ud800\ud800"`, `"\ud800\u0041"`, `"\ud800\ue000"`, `"\ud800x"`, `"\udc00"`, `"\udc00\ud800"`, `"\ud83d\n"`, `"\ud83d`,
	"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\xff\":1}",
	`{"a":1,"a":1}`, `{"a":1,"b":{},"a":2}`, `{"a":1,"\u0061":2}`, `{"":1,"":2}`, `[{"x":[{"a":1,"a":2}]}]`,
	`{"\/":1,"/":2}`, `{"😀":1,"\ud83d\ude00":2}`, "{\"a\":1, \"b\":2,\n\"a\" :3}",
}

var goodJSON = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `10`, `1.5`, `0.1e-9`, `1E+400`, `123456789012345678901234567890`, `""`, `"a"`,
	`"\"\\\/\b\f\n\r\t\u0041\u0000"`, `"😀"`, `"\ud83d\ude00"`, `"\uD83D\uDE00"`, "\"\u2028\x7f\"", `{}`, `[]`, `[[],{}]`, ` { "a" : [ 1 , 2 ] } `, "\t\r\n1",
	`{"a":1,"A":2}`, `{"a":{"a":{"a":1}}}`, `[{"a":1},{"a":2}]`, `{"a":{"b":1},"b":{"a":1}}`, `{"":0,"\u0000":1}`, `{"k":1,"\u212a":2}`,
}

func TestCheckPayload(t *testing.T) {
	t.Parallel()
	for _, text := range badJSON {
		require.ErrorIs(t, token.CheckPayload(json.RawMessage(text)), errors.ErrValueNotJSON, "%q", text)
	}
	for _, text := range goodJSON {
		require.NoError(t, token.CheckPayload(json.RawMessage(text)), "%q", text)
	}
}

// Few names are compared in another way than many.
func TestCheckPayloadFindsEveryDuplicate(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprintf(`"%02d":{"%02d":0}`, i, n-i)
		}
		object := func(members ...string) json.RawMessage {
			return json.RawMessage("{" + strings.Join(members, ",") + "}")
		}
		require.NoError(t, token.CheckPayload(object(members...)), n)
		for i := range members {
			for _, again := range []string{members[i], `"\u003` + members[i][1:]} {
				for _, at := range []int{0, i, i + 1, n} {
					list := object(slices.Insert(slices.Clone(members), at, again)...)
					require.ErrorIs(t, token.CheckPayload(list), errors.ErrValueNotJSON, "%s", list)
				}
			}
		}
	}
}

func TestCheckPayloadDepth(t *testing.T) {
	t.Parallel()
	const most = token.MaxPayloadDepth
	for _, pair := range [][2]string{{"[", "]"}, {`{"a":[`, `]}`}} {
		levels := len(pair[1])
		require.NoError(t, token.CheckPayload(json.RawMessage(nest(most/levels, pair[0], pair[1]))))
		require.ErrorIs(t, token.CheckPayload(json.RawMessage(nest(most/levels+1, pair[0], pair[1]))), errors.ErrValueTooDeep)
	}
	// Depth counts what is open, not what was.
	require.NoError(t, token.CheckPayload(json.RawMessage("["+strings.Repeat("[[]],{},", 500)+"[]]")))
	// A bomb costs no stack.
	require.ErrorIs(t, token.CheckPayload(json.RawMessage(strings.Repeat("[", 1<<20))), errors.ErrValueTooDeep)
}

func TestCheckPayloadWithManyNames(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for n := range 5000 {
		b.WriteString(`"` + strings.Repeat("n", n%7) + string(rune('a'+n%26)) + encode([]byte{byte(n), byte(n >> 8)}) + `":1,`)
	}
	members := b.String()
	require.NoError(t, token.CheckPayload(json.RawMessage("{"+members+`"last":1}`)))
	first, _, _ := strings.Cut(members, ":")
	require.ErrorIs(t, token.CheckPayload(json.RawMessage("{"+members+first+":1}")), errors.ErrValueNotJSON)
}

// What is accepted is what encoding/json accepts, less what the documentation
// of CheckPayload says.
func TestCheckPayloadAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	for _, text := range append(badJSON, goodJSON...) {
		requireAsReference(t, []byte(text))
	}
}

var surrogate = regexp.MustCompile(`(?i)\\u(d[89a-f])`)

// requireAsReference compares the scanner with one built on encoding/json.
func requireAsReference(tb testing.TB, data []byte) {
	tb.Helper()
	err := token.CheckPayload(data)
	if err != nil {
		require.True(tb, errors.Is(err, errors.ErrValueNotJSON) || errors.Is(err, errors.ErrValueTooDeep))
	}
	if !json.Valid(data) || !utf8.Valid(data) {
		require.Error(tb, err, "%q", data)
		return
	}
	if surrogate.Match(data) {
		return // the reference cannot tell a pair from a half
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	distinct, depth := walk(tb, decoder)
	require.Equal(tb, distinct && depth <= token.MaxPayloadDepth, err == nil, "%q: %v", data, err)
}

// walk reads one value and reports whether all its names differ and how deep it
// nests.
func walk(tb testing.TB, decoder *json.Decoder) (distinct bool, depth int) {
	tb.Helper()
	next, err := decoder.Token()
	require.NoError(tb, err)
	delim, ok := next.(json.Delim)
	if !ok {
		return true, 0
	}
	distinct, names := true, map[string]bool{}
	for decoder.More() {
		if delim == '{' {
			name, err := decoder.Token()
			require.NoError(tb, err)
			distinct = distinct && !names[name.(string)]
			names[name.(string)] = true
		}
		below, deeper := walk(tb, decoder)
		distinct, depth = distinct && below, max(depth, deeper)
	}
	_, err = decoder.Token()
	require.NoError(tb, err)
	return distinct, depth + 1
}
