package wire

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// What is read of a request's Cookie header. Servers take a few KiB of it; who
// sends a megabyte of semicolons must get no more work out of us than that.
const (
	maxCookieBytes = 64 << 10
	maxCookiePairs = 1000
	// maxCandidates bounds the differing cookies of one name. A sibling host
	// can put many in front of ours, two for each domain and each part of the
	// path. But browsers keep at most 180 cookies of one site.
	maxCandidates = 180
)

// Candidate is a cookie that may hold the token that is looked for.
type Candidate struct {
	Text string
	// Place is the index in Settings.Older of its name, or -1 for today's name.
	Place int
}

// jar is what a Cookie header has of ours.
type jar struct {
	access, refresh []Candidate
	// idRefresh counts the cookies sIdRefreshToken.
	idRefresh int
	// device is the first device cookie.
	device string
	// cut: there was more than is read, so that ours may not have been seen.
	cut bool
	// room is where the first cookie of each kind is, so that the usual request
	// costs no memory of its own.
	room [2]Candidate
}

// read reads the header in one pass.
//
// It reads as [http.Request.CookiesNamed] does. That builds a Cookie for each
// pair and looks at every byte of it, which was half of what a verified request
// still cost. Two things differ. A value with bytes that make CookiesNamed
// leave the cookie out is found here, and fails as a token. And no more is read
// than the bounds above allow.
func (j *jar) read(set *Settings, r *http.Request) {
	if !set.Cookies {
		return
	}
	j.access, j.refresh = j.room[0:0:1], j.room[1:1:2]
	bytes, pairs := 0, 0
	for _, line := range r.Header["Cookie"] {
		if bytes += len(line); bytes > maxCookieBytes {
			j.cut = true
			return
		}
		for more := true; more; {
			if pairs++; pairs > maxCookiePairs {
				j.cut = true
				return
			}
			var pair string
			pair, line, more = strings.Cut(line, ";")
			key, value, _ := strings.Cut(textproto.TrimString(pair), "=")
			j.sort(set, textproto.TrimString(key), value)
		}
	}
}

// sort puts one cookie where it belongs.
func (j *jar) sort(set *Settings, key, value string) {
	switch key {
	case set.Place.Access:
		j.add(&j.access, value, -1)
		return
	case set.Place.Refresh:
		j.add(&j.refresh, value, -1)
		return
	case CookieIDRefresh:
		j.idRefresh++
		return
	}
	if key == set.Device && key != "" && j.device == "" {
		j.device = unquoted(value)
		return
	}
	for i := range set.Older {
		switch key {
		case set.Older[i].Access:
			j.add(&j.access, value, i)
			return
		case set.Older[i].Refresh:
			j.add(&j.refresh, value, i)
			return
		}
	}
}

// add appends a value that is not there yet.
func (j *jar) add(list *[]Candidate, value string, place int) {
	value = unquoted(value)
	same := func(c Candidate) bool { return c.Text == value }
	switch {
	case value == "" || slices.ContainsFunc(*list, same):
	case len(*list) == maxCandidates:
		j.cut = true
	default:
		*list = append(*list, Candidate{value, place})
	}
}

// unquoted is value without a pair of double quotes around it.
func unquoted(value string) string {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
