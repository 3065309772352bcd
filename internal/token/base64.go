package token

import (
	"encoding/base64"
	"strings"
)

// strictBase64 refuses padding and non-zero trailing bits. It still skips CR
// and LF, as its documentation says; see [decodeBase64].
var strictBase64 = base64.RawURLEncoding.Strict()

// decodeBase64 appends the bytes of text to dst. Exactly one text is accepted
// for any bytes, so that a token has no second form under which a replay could
// slip past a comparison of texts.
func decodeBase64(dst []byte, text string) ([]byte, bool) {
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return nil, false
	}
	out, err := strictBase64.AppendDecode(dst, []byte(text))
	return out, err == nil
}

// decode32 reads 32 bytes from their one text form of 43 characters.
func decode32(text string) (out [32]byte, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(len(out)) {
		return out, false
	}
	_, ok = decodeBase64(out[:0], text)
	return out, ok
}

// decodeSized appends size bytes, read from their one text form, to dst.
func decodeSized(dst []byte, text string, size int) ([]byte, bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(size) {
		return nil, false
	}
	return decodeBase64(dst, text)
}
