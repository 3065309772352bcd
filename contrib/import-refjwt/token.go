package importrefjwt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxToken is the longest token that is looked at. One of a user with an id of 128
// bytes, each of which JSON writes as six characters, has about 1,500.
const maxToken = 2048

// refreshToken is an authentic refresh token.
type refreshToken struct {
	text, handle string
	// parent is the hash of the token that this one came from, or empty.
	parent string
	// user is the user's id as text, storedUser as the table has it.
	user, storedUser string
	created          time.Time
}

// open authenticates a token, which looks like this (refreshToken.ts,
// createNewRefreshToken):
//
//	base64(encrypted {"sessionHandle", "userId", "prt", "nonce"}) . nonce
//
// One text form is taken: Node decodes base64 leniently, and of a child the table has
// no hash that would show which text it was.
func (i *Importer) open(text string) (*refreshToken, bool) {
	// npm's cookie, by which the library writes it, escapes + / and =.
	if strings.Contains(text, "%") {
		unescaped, err := url.PathUnescape(text)
		if err != nil {
			return nil, false
		}
		text = unescaped
	}
	sealed, nonce, ok := strings.Cut(text, ".")
	if !ok || len(text) > maxToken || strings.Contains(nonce, ".") {
		return nil, false
	}
	plain, ok := i.decrypt(sealed)
	if !ok {
		return nil, false
	}
	var payload struct {
		SessionHandle string          `json:"sessionHandle"`
		UserID        json.RawMessage `json:"userId"`
		Parent        string          `json:"prt"`
		Nonce         string          `json:"nonce"`
	}
	if json.Unmarshal(plain, &payload) != nil || payload.Nonce != nonce {
		return nil, false
	}
	tok := &refreshToken{text: text, handle: payload.SessionHandle, parent: payload.Parent}
	if tok.created, ok = timeOf(payload.SessionHandle); !ok {
		return nil, false
	}
	tok.user, tok.storedUser, ok = userOf(payload.UserID)
	return tok, ok
}

// The parts of what is encrypted (helpers/utils.ts, encrypt).
const (
	saltSize  = 64
	ivSize    = 16
	tagSize   = 16
	textAt    = saltSize + ivSize + tagSize
	rounds    = 100
	aesKeyLen = 32
)

// decrypt undoes helpers/utils.ts, encrypt: base64(salt | iv | tag | text), by AES-256
// in GCM, under PBKDF2-HMAC-SHA-512 of the key's text and the salt.
func (i *Importer) decrypt(sealed string) ([]byte, bool) {
	all, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil || len(all) <= textAt || base64.StdEncoding.EncodeToString(all) != sealed { // which skips line ends
		return nil, false
	}
	salt, iv, tag, text := all[:saltSize], all[saltSize:saltSize+ivSize], all[saltSize+ivSize:textAt], all[textAt:]
	key, err := pbkdf2.Key(sha512.New, i.key, salt, rounds, aesKeyLen)
	if err != nil {
		return nil, false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, ivSize)
	if err != nil {
		return nil, false
	}
	plain, err := gcm.Open(nil, iv, append(bytes.Clone(text), tag...), nil)
	return plain, err == nil
}

// hash is helpers/utils.ts, hash.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// userOf reads a user id, which the library lets be a text or a number, as text and as
// the table has it (helpers/utils.ts, stringifyUserId).
func userOf(raw json.RawMessage) (text, stored string, ok bool) {
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		return text, text, text != ""
	}
	var number json.Number
	if json.Unmarshal(raw, &number) != nil || number == "" {
		return "", "", false
	}
	return number.String(), storedNumber(number.String()), true
}

func storedNumber(number string) string { return `{"i":` + number + `}` }

// uuidEpoch is the begin of the time of a UUID, 1582-10-15, before 1970: in 100 ns
// (RFC 9562, section 5.1).
const uuidEpoch = 0x01B21DD213814000

// timeOf is when a session began. The table does not say; its handle does, which is a
// UUID of version 1 (helpers/utils.ts, generateSessionHandle).
func timeOf(handle string) (time.Time, bool) {
	parts := strings.Split(handle, "-")
	if len(handle) != 36 || len(parts) != 5 || len(parts[0]) != 8 || len(parts[1]) != 4 || len(parts[2]) != 4 || parts[2][0] != '1' {
		return time.Time{}, false
	}
	ticks, err := strconv.ParseInt(parts[2][1:]+parts[1]+parts[0], 16, 64)
	if err != nil || ticks < uuidEpoch {
		return time.Time{}, false
	}
	return time.UnixMilli((ticks - uuidEpoch) / 10_000), true
}
