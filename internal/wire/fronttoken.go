package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// MaxCookieSize is the limit of name and value together beyond which browsers
// drop a cookie without a word (RFC 6265bis, section 5.6). Front ends keep the
// front token in a cookie too.
const MaxCookieSize = 4096

// FrontTokenCookie is the name under which front ends keep the front token.
const FrontTokenCookie = "sFrontToken"

// FrontToken tells a page who is signed in, until when, and the payload:
// base64 of ASCII-only JSON, because some front ends read the decoded bytes as
// Latin-1. now, in Unix seconds, is the time of this response: front ends from
// 18 on set their idea of the server's clock by it.
func FrontToken(claims *token.Access, now int64, withClaims bool) string {
	uid, _ := json.Marshal(claims.UserID)
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"uid":%s,"ate":%d,"up":`, uid, claims.ExpiresAt*1000)
	up := bytes.TrimSpace(claims.Payload)
	if len(up) == 0 || up[0] != '{' {
		// A page can read an object only; other values stay in the access
		// token.
		up = []byte("{}")
	}
	if withClaims {
		b.Write(up[:len(up)-1])
		if len(bytes.TrimSpace(up[1:len(up)-1])) > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"sub":%s,"iat":%d,"exp":%d}`, uid, now, claims.ExpiresAt)
	} else {
		b.Write(up)
	}
	b.WriteByte('}')
	return base64.StdEncoding.EncodeToString(asciiJSON(b.Bytes()))
}

// asciiJSON escapes what is not ASCII. Outside of strings JSON has none.
func asciiJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r < utf8.RuneSelf {
			out = append(out, text[0])
		} else if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, r1, r2)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}
