package session

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

// redacted stands for every secret in logs and prints.
const redacted = "[redacted]"

// Token is a secret text that the client keeps, and when it ends. Printing or
// logging it shows no text: read Value.
type Token struct {
	Value     string
	ExpiresAt time.Time
}

// AccessToken is the short-lived token that requests carry.
type AccessToken struct{ Token }

// RefreshToken is the long-lived token that only the refresh route gets.
type RefreshToken struct{ Token }

// Tokens is what creation and refresh give to a client that the caller
// answers by itself; the functions with HTTP in their name send them.
type Tokens struct {
	// Session is the session as its new access token describes it.
	Session *Session
	// Access and Refresh replace the client's tokens.
	Access  AccessToken
	Refresh RefreshToken
	// IDRefresh is a random id without authority that changes with every
	// refresh, and ends with the refresh token.
	IDRefresh Token
	// AntiCSRF is what the client must send along; empty when the mode needs none.
	AntiCSRF string
}

var (
	_ redact.Hidden = Token{}
	_ redact.Hidden = Tokens{}
	_ redact.Hidden = (*Session)(nil)
)

// Format implements [fmt.Formatter]: no verb shows the text.
func (t Token) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Token{%s, expires %s}", redacted, t.ExpiresAt.UTC().Format(time.RFC3339))
}

// MarshalJSON shows no text: whoever sends tokens in a body names their Value.
func (t Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText gives XML and other text encoders what JSON gets.
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format implements [fmt.Formatter]: no verb shows a secret.
func (t Tokens) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("Tokens{" + redacted + "}")) }

// MarshalJSON shows no secret.
func (t Tokens) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText shows no secret.
func (t Tokens) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (t Tokens) LogValue() slog.Value { return slog.StringValue(redacted) }
