package session

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Info is a session as a device list shows it.
type Info struct {
	Handle     string
	CreatedAt  time.Time
	LastUsedAt time.Time // to about the validity of an access token
	ExpiresAt  time.Time // the idle end as of now
	UserAgent  string
	IP         string
}

// List returns the live sessions of a user, oldest first.
func (s *Service) List(ctx context.Context, userID string) ([]Info, error) {
	if err := s.checkOpen(); err != nil {
		return nil, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.store.List(ctx, userID, s.now())
	if err != nil {
		return nil, err
	}
	list := make([]Info, len(rows))
	for i, row := range rows {
		list[i] = Info{
			Handle: row.Handle, CreatedAt: time.UnixMilli(row.CreatedAt), LastUsedAt: time.UnixMilli(row.LastUsedAt),
			ExpiresAt: time.UnixMilli(row.ExpiresAt), UserAgent: row.UserAgent, IP: row.IP,
		}
	}
	return list, nil
}

// Handles returns the handles of a user's live sessions, oldest first.
func (s *Service) Handles(ctx context.Context, userID string) ([]string, error) {
	list, err := s.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	handles := make([]string, len(list))
	for i, info := range list {
		handles[i] = info.Handle
	}
	return handles, nil
}

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
