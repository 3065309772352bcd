package importsupertokens

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// maxToken is the longest token that is looked at. One of a user with an id of 128
// characters, each of which JSON writes as six, in a tenant with a name of 64, has
// about 1,750.
const maxToken = 2048

// refreshToken is an authentic refresh token.
type refreshToken struct {
	text, handle, tenant, user string
	// parent is the hash of the token that this one came from, or empty.
	parent string
}

// version ends each token (C, session/refreshToken/RefreshToken.java:116 and 139). The
// core has written no other since before it had tenants; it still takes V1, and in
// small letters too. Here one text form is taken: nothing authenticates the ending, and
// of a child the table has no hash that would show which text it was.
const version = "V2"

// open authenticates a token, which looks like this (RefreshToken.java:110 to 116):
//
//	base64(encrypted JSON) . nonce . V2
func (i *Importer) open(text string) (*refreshToken, bool) {
	// The SDKs' cookies escape + / and =.
	if len(text) > 3*maxToken {
		return nil, false
	}
	if strings.Contains(text, "%") {
		unescaped, err := url.PathUnescape(text)
		if err != nil {
			return nil, false
		}
		text = unescaped
	}
	parts := strings.Split(text, ".")
	if len(text) > maxToken || len(parts) != 3 || parts[2] != version {
		return nil, false
	}
	plain, ok := i.decrypt(parts[0])
	if !ok {
		return nil, false
	}
	var payload struct {
		SessionHandle string `json:"sessionHandle"`           // RefreshToken.java:164
		UserID        string `json:"userId"`                  // :166
		Parent        string `json:"parentRefreshTokenHash1"` // :168, absent in a session's first
		Nonce         string `json:"nonce"`                   // :170
		TenantID      string `json:"tenantId"`                // :174, absent for "public"
		// antiCsrfToken, :172, is for the core's own check: the kit has another.
	}
	if json.Unmarshal(plain, &payload) != nil {
		return nil, false
	}
	// RefreshToken.java:72 and 73
	if payload.SessionHandle == "" || payload.UserID == "" || payload.Nonce == "" || payload.Nonce != parts[1] {
		return nil, false
	}
	tok := &refreshToken{
		text: text, handle: payload.SessionHandle, tenant: payload.TenantID, user: payload.UserID, parent: payload.Parent,
	}
	if tok.tenant == "" {
		tok.tenant = "public" // T, DEFAULT_TENANT_ID and getTenantId
	}
	return tok, true
}

// The measures of what is encrypted.
const (
	ivSize    = 12  // U:149
	rounds    = 100 // U:153
	aesKeyLen = 32  // U:153, 32 * 8 bits
)

// decrypt undoes U:141 to 171, encrypt: base64(iv | text | tag), by AES-256 in GCM.
func (i *Importer) decrypt(sealed string) ([]byte, bool) {
	all, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil || len(all) <= ivSize || base64.StdEncoding.EncodeToString(all) != sealed { // which skips line ends
		return nil, false
	}
	iv, text := all[:ivSize], all[ivSize:]
	gcm, err := i.cipher(iv)
	if err != nil {
		return nil, false
	}
	plain, err := gcm.Open(nil, iv, text, nil)
	return plain, err == nil
}

// cipher is that of one token: the key is PBKDF2-HMAC-SHA-512 of the app's key as text,
// whose salt is the token's iv (U:153 and 213).
func (i *Importer) cipher(iv []byte) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha512.New, i.key, iv, rounds, aesKeyLen)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block) // its iv has 12 bytes, its tag 16 (U:157)
}

// hash is U:79, hashSHA256.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
