package rig

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Claims are what anybody can read in an access token.
type Claims struct {
	Handle string `json:"sid"`
	User   string `json:"sub"`
	Gen    int64  `json:"gen"`
	// Issued is when the refresh token of the pair was issued, in milliseconds; Hash and
	// Parent are the double hashes of it and of the one it was made of. All three are
	// there until the pair is promoted only.
	Issued  int64  `json:"rti"`
	Hash    string `json:"rt2"`
	Parent  string `json:"prt2"`
	Expires int64  `json:"exp"`
}

// ReadClaims reads an access token without checking anything. What is none
// gives the zero Claims.
func ReadClaims(access string) Claims {
	var claims Claims
	if parts := strings.Split(access, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(text, &claims)
		}
	}
	return claims
}

// Flip is a token with its i-th character changed, which nobody issued.
func Flip(token string, i int) string {
	b := []byte(token)
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
