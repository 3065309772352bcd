package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

func (k *kit) labelOf(t *testing.T, handle string) string {
	t.Helper()
	device, err := k.Get(t.Context(), handle)
	require.NoError(t, err)
	return device.Label
}

// What is text comes back byte for byte, whatever a page would make of it.
func TestSetLabel_keepsTheText(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	handle := k.handleOf(t, "ada")
	require.Empty(t, k.labelOf(t, handle))
	for _, label := range []string{
		"kitchen tablet", "kitchen tablet", `<script>alert("1")</script>`, "' OR '1'='1", " ", "%s %00 \\0",
		"Küche", "مطبخ", "\u200fמטבח", "台所", "👩\u200d🍳", "a\u0301", strings.Repeat("x", 64), strings.Repeat("👩", 64), "\ufffd", "",
	} {
		set, err := k.SetLabel(t.Context(), "ada", handle, label)
		require.NoError(t, err, "%q", label)
		require.True(t, set, "%q", label)
		require.Equal(t, label, k.labelOf(t, handle))
		list, err := k.List(t.Context(), "ada")
		require.NoError(t, err)
		require.Equal(t, label, list[0].Label)
	}
	require.Empty(t, k.Events(session.EventRevoked))
}

// What is no label is refused before the store hears of it.
func TestSetLabel_refusesWhatIsNoLabel(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	handle := k.handleOf(t, "ada")
	k.store.Arm()
	for label, why := range map[string]string{
		strings.Repeat("x", 65):      "more than 64 characters",
		strings.Repeat("é", 65):      "more than 64 characters",
		strings.Repeat("x", 1<<20):   "more than 64 characters",
		strings.Repeat("\xff", 1000): "more than 64 characters",
		"\xff":                       "not UTF-8",
		"a\xc3":                      "not UTF-8",
		"\xed\xa0\x80":               "not UTF-8", // half of a surrogate pair
		"a\x00":                      "U+0000",
		"a\nb":                       "U+000A",
		"\x1b[31m":                   "U+001B",
		"\x7f":                       "U+007F",
		"\u0085":                     "U+0085",
		"a\u2028b":                   "U+2028",
		"a\u2029b":                   "U+2029",
		"\u202egpj.exe":              "U+202E",
		"\u2066x":                    "U+2066",
	} {
		set, err := k.SetLabel(t.Context(), "ada", handle, label)
		require.ErrorIs(t, err, errors.ErrInvalidInput, "%.20q", label)
		require.ErrorContains(t, err, why, "%.20q", label)
		require.False(t, set)
	}
	for _, nobody := range []string{"", strings.Repeat("u", models.MaxUserID+1), "\xff"} {
		_, err := k.SetLabel(t.Context(), nobody, handle, "x")
		require.ErrorIs(t, err, errors.ErrUserIDInvalid, "%q does not mean everybody", nobody)
	}
	require.Zero(t, k.store.Calls())
	require.Empty(t, k.labelOf(t, handle))
}

// A handle from a form may be anybody's: only the user's own live sessions get a label.
func TestSetLabel_oneOfTheUsersOnly(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	ada, bob := k.handleOf(t, "ada"), k.handleOf(t, "bob")
	ended := k.handleOf(t, "ada")
	_, err := k.Revoke(t.Context(), ended)
	require.NoError(t, err)
	for _, row := range [][2]string{
		{"ada", bob},
		{"Bob", bob},
		{"bob ", bob},
		{"ada", ended},
		{"ada", "nothing"},
		{"ada", ""},
		{"ada", "' OR '1'='1"},
		{"ada", strings.Repeat("x", 1000)},
		{"ada", "\x00"},
		{"ada", "\xff"},
	} {
		set, err := k.SetLabel(t.Context(), row[0], row[1], "mine")
		require.NoError(t, err, "%q", row)
		require.False(t, set, "%q", row)
	}
	require.Empty(t, k.labelOf(t, bob))
	require.Empty(t, k.labelOf(t, ada))

	k.store.Arm(storetest.Fault{Method: "SetLabel"})
	_, err = k.SetLabel(t.Context(), "ada", ada, "mine")
	require.ErrorIs(t, err, errors.ErrUnavailable)
	k.store.Arm()
	k.Close()
	_, err = k.SetLabel(t.Context(), "ada", ada, "mine")
	require.ErrorIs(t, err, errors.ErrClosed)
}
