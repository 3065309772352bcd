package main

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"github.com/gin-sessionkit/sessionkit/models"
)

// layout is the order of a table's rows.
type layout int

const (
	byTime   layout = iota // the kit's default: a handle begins with the time
	byHome                 // gormstore.Config.Sharded: with the home of its user, then the time
	atRandom               // with nothing, to compare
	layouts                // how many
)

// String is the name in reports.
func (l layout) String() string {
	return [layouts]string{"time-ordered", "sharded by home", "random"}[l]
}

// describe says it at length.
func (l layout) describe() string {
	if l == byHome {
		return "sharded by home (gormstore.Config.Sharded), all slices on this server"
	}
	return l.String() + " keys, the default"
}

// table is the name of a table to compare with.
func (l layout) table() string {
	return [layouts]string{"scale_by_time", "scale_by_home", "scale_random"}[l]
}

// handle is as long as the service makes it, and begins with the same: 80 random bits
// come after the time, and 96 where the home stands before it.
func (l layout) handle(rng *rand.Rand, now int64, user string) string {
	var b [24]byte // a little more, as fill writes eight at once
	fill(rng, b[:16])
	var time [8]byte
	binary.BigEndian.PutUint64(time[:], uint64(now))
	if l == byHome {
		fill(rng, b[16:])
		copy(b[:2], home(models.HomeOf(user)))
		copy(b[2:8], time[2:])
		return handles.EncodeToString(b[:20])
	}
	if l == byTime {
		copy(b[:6], time[2:])
	}
	return handles.EncodeToString(b[:16])
}

// columns are those of the table, in the order of values.
func (l layout) columns() string {
	if l == byHome {
		return "home, " + columns
	}
	return columns
}

// values appends the columns of row to args.
func (l layout) values(args []any, row *models.Session) []any {
	if l == byHome {
		args = append(args, home(models.HomeOf(row.UserID)))
	}
	return values(args, row)
}

// ofHandles is the condition that finds rows by the primary key, and what it binds.
func (l layout) ofHandles(names ...string) (string, []any) {
	return l.oneOf("handle", names, func(handle string) models.Home {
		at, _ := models.HomeOfHandle(handle)
		return at
	})
}

// ofUsers finds rows by the index on users.
func (l layout) ofUsers(names ...string) (string, []any) {
	return l.oneOf("user_id", names, models.HomeOf)
}

func (l layout) oneOf(column string, names []string, homeOf func(string) models.Home) (string, []any) {
	mark, between := "?", ", "
	if l == byHome {
		mark, between = "(home = ? AND "+column+" = ?)", " OR "
	}
	var args []any
	for _, name := range names {
		if l == byHome {
			args = append(args, home(homeOf(name)))
		}
		args = append(args, name)
	}
	marks := "(" + strings.TrimSuffix(strings.Repeat(mark+between, len(names)), between) + ")"
	if l == byHome {
		return marks, args
	}
	return column + " IN " + marks, args
}

// home is how the column holds it.
func home(h models.Home) []byte { return binary.BigEndian.AppendUint16(nil, uint16(h)) }
