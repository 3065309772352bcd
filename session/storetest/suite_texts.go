package storetest

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"
)

// jsonTexts are values for payload and data of which all are different. They
// are texts: digits, blanks, escapes and the order of names come back as given.
// The empty text is no JSON and not among them: some drivers cannot tell it
// from NULL.
func jsonTexts() [][]byte {
	list := [][]byte{nil}
	for _, text := range []string{
		`null`, `""`, `"null"`, `{}`, `[]`, `0`, `-0`, `false`, `true`, ` null`, "null\n",
		`9007199254740993`, `9007199254740992`, `18446744073709551615`, `1e3`, `1000`, `1.0`, `1`,
		`1e400`, `0.1000000000000000055511151231257827`,
		`{"b":1,"a":2}`, `{"a":2,"b":1}`, `{ "a" : 2 , "b" : 1 }`, `{"a":1,"A":2}`, `{"a":1,"a":2}`,
		`"\u00e9"`, "\"\u00e9\"", "\"e\u0301\"", `"\u0000"`, `"\ud83d\ude00"`, "\"\U0001f600\"", "\"\U0001f601\"",
		`"'; DROP TABLE x; --"`, `"\\"`, `"?"`, `"$1"`, `"@p1"`, `"trailing "`, `"trailing"`, `"Case"`, `"case"`,
		`"` + strings.Repeat("\U0001f600\u00e9x", 60<<10/7) + `"`,
	} {
		list = append(list, []byte(text))
	}
	return list
}

// show names a text in a message without filling the screen.
func show(text []byte) string {
	if text == nil {
		return "absent"
	}
	return fmt.Sprintf("%.40q", text)
}

// requireText compares without printing 60 KiB.
func requireText(tr *trial, want, got []byte) {
	tr.Helper()
	require.True(tr, sameText(want, got), "want %s, got %s", show(want), show(got))
}

// sameText compares JSON texts of which nil, and only nil, means absent.
func sameText(a, b []byte) bool {
	return (a == nil) == (b == nil) && bytes.Equal(a, b)
}
