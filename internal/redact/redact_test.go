package redact_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"
	"text/template"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

type tokenText struct{}

func (tokenText) String() string { return "[token]" }

type token struct {
	redact.As[tokenText]
	Secret string
	number int64
}

var (
	_ redact.Hidden = token{}
	_ redact.Hidden = &token{}
)

func TestAsHidesEveryField(t *testing.T) {
	t.Parallel()
	tok := token{Secret: "s3cret", number: 424242}
	for _, value := range []any{tok, &tok} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%c", "%U", "%t", "%#x", "%10.3s", "%z"} {
			require.Equal(t, "[token]", fmt.Sprintf(verb, value), verb)
		}
		require.Equal(t, "[token]", fmt.Sprint(value))

		asJSON, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, `"[token]"`, string(asJSON))
		asXML, err := xml.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, "<token>[token]</token>", string(asXML))

		var page bytes.Buffer
		require.NoError(t, template.Must(template.New("").Parse("{{.}}")).Execute(&page, value))
		require.Equal(t, "[token]", page.String())

		require.Equal(t, slog.StringValue("[token]"), slog.AnyValue(value).Resolve())
	}
}

func TestAsHidesInsideOfOthers(t *testing.T) {
	t.Parallel()
	tok := token{Secret: "s3cret", number: 424242}
	type holder struct {
		Token   token
		Pointer *token
		Embeds  struct{ token }
	}
	held := holder{Token: tok, Pointer: &tok, Embeds: struct{ token }{tok}}
	for _, value := range []any{held, &held, []token{tok}, []any{&tok}, map[string]token{"a": tok}} {
		asJSON, err := json.Marshal(value)
		require.NoError(t, err)
		for _, out := range []string{fmt.Sprintf("%v", value), fmt.Sprintf("%+v", value), fmt.Sprintf("%#v", value), fmt.Sprintf("%x", value), string(asJSON)} {
			require.NotContains(t, out, "s3cret")
			require.NotContains(t, out, "733363726574")
			require.NotContains(t, out, "424242")
		}
	}
}

func TestAsTakesNoRoomAndComparesAsItsFields(t *testing.T) {
	t.Parallel()
	type bare struct {
		Secret string
		number int64 //nolint:unused // takes its room
	}
	require.Equal(t, unsafe.Sizeof(bare{}), unsafe.Sizeof(token{}))
	seen := map[token]bool{{number: 1}: true}
	require.True(t, seen[token{number: 1}])
	require.False(t, seen[token{number: 2}])
}
