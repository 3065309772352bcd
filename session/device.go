package session

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxUserAgentLen is in bytes, as the column is in characters.
const maxUserAgentLen = 255

// boundedText is text as valid UTF-8 without control characters, cut to limit bytes at a
// character's edge: what a client sends ends up in databases and on pages.
func boundedText(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, text[:min(len(text), 4*limit)])
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// apply is the part of the address ip that the policy lets be stored; nothing of what is no
// address.
func (p IPPolicy) apply(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || p == IPNone {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if p == IPFull {
		return addr.String()
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, _ := addr.Prefix(bits)
	return prefix.Addr().String()
}
