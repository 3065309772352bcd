package testdb

import (
	"cmp"
	"crypto/rand"
	"strings"
)

// maxName is the shorter of the two servers' limits, PostgreSQL's 63 bytes.
const maxName = 63

// freshName derives the name of a new database from the DSN's own, because a
// restricted account may only create databases with that prefix. 60 random bits
// keep parallel packages apart, which share one server.
func freshName(base string) string {
	suffix := "_" + strings.ToLower(rand.Text()[:12])
	base = cmp.Or(base, "app")
	return base[:min(len(base), maxName-len(suffix))] + suffix
}

// quoted is name as an identifier between two marks, which are doubled inside.
func quoted(name, mark string) string {
	return mark + strings.ReplaceAll(name, mark, mark+mark) + mark
}
