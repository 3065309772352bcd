package gormstore

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// In a sharded store the first column, home, says where a row lies. Every statement on
// sessions names it: by handle it is read from the handle, by user it is computed, and
// where many users are concerned one statement is about the homes of one slice. Reads
// ask for these by BETWEEN, which Vitess routes, while it sends < and > everywhere.

// placing has the marks by which the texts of the two layouts differ, and what stands
// for them.
func placing(sharded bool) []string {
	rows := make([]string, 0, models.HomeSlices)
	for _, name := range cleanupRows(sharded) {
		rows = append(rows, "('"+name+"', 0)")
	}
	pairs := []string{"{cleanup rows}", strings.Join(rows, ", ")}
	if !sharded {
		return append(pairs, "{handle}", "handle = ?", "{user}", "user_id = ?", "{home}", "", "{home value}", "",
			"{home column}", "", "{in slice}", "")
	}
	return append(pairs, "{handle}", "home = ? AND handle = ?", "{user}", "home = ? AND user_id = ?",
		"{home}", "home, ", "{home value}", "?, ", "{home column}", "\n  home                BINARY(2)      NOT NULL,",
		"{in slice}", " AND home BETWEEN ? AND ?")
}

// bySlice is the sessions table, to be read by the index on a time. With a condition on
// home beside it the planner could think of the primary key, and read the whole slice.
func (t Tables) bySlice(quote string, sharded bool, index string) string {
	table := quote + t.Sessions + quote
	if !sharded {
		return table
	}
	return table + " FORCE INDEX (" + quote + t.Sessions + index + quote + ")"
}

// Sharded reports whether Config.Sharded is on; see session.Store.
func (s *Store) Sharded() bool { return s.sharded }

// place is bound to {handle} or {user} of a sharded store: two values.
type place [2]any

// spread puts the values of places in their places.
func spread(args []any) []any {
	isPlace := func(arg any) bool { _, ok := arg.(place); return ok }
	if !slices.ContainsFunc(args, isPlace) {
		return args
	}
	all := make([]any, 0, len(args)+2)
	for _, arg := range args {
		if p, ok := arg.(place); ok {
			all = append(all, p[:]...)
		} else {
			all = append(all, arg)
		}
	}
	return all
}

// handle binds {handle}. What is no handle of a sharded store is looked for at home 0,
// where it is not, as checkHome lets no such row in.
func (s *Store) handle(handle string) any {
	if !s.sharded {
		return s.exact(handle)
	}
	home, _ := models.HomeOfHandle(handle)
	return place{s.home(home), s.exact(handle)}
}

// user binds {user}.
func (s *Store) user(id string) any {
	if !s.sharded {
		return s.exact(id)
	}
	return place{s.home(models.HomeOf(id)), s.exact(id)}
}

// home binds a home. Two bytes, the higher one first, are in the order of the numbers.
func (s *Store) home(h models.Home) any {
	return s.bytes(binary.BigEndian.AppendUint16(nil, uint16(h)))
}

// homes are the first and the last home of a slice.
func homes(slice int) (first, last models.Home) {
	const size = 1 << 16 / models.HomeSlices
	return models.Home(slice * size), models.Home(slice*size + size - 1) //nolint:gosec // below 1<<16
}

// within binds {in slice}.
func (s *Store) within(slice int) []any {
	if !s.sharded {
		return nil
	}
	first, last := homes(slice)
	return []any{s.home(first), s.home(last)}
}

// checkHome refuses a row that nobody would find.
func (s *Store) checkHome(row *models.Session) error {
	if home, ok := models.HomeOfHandle(row.Handle); s.sharded && (!ok || home != models.HomeOf(row.UserID)) {
		return refused(errors.New("handle does not begin with the home of user_id, as it does in a sharded store"))
	}
	return nil
}

// checkSlice refuses a slice that the store does not have.
func (s *Store) checkSlice(slice int) error {
	if last := len(cleanupRows(s.sharded)) - 1; slice < 0 || slice > last {
		return refused(fmt.Errorf("slice %d, the last is %d", slice, last))
	}
	return nil
}

// cleanupRows are the rows of the meta table with the claims of the slices.
func cleanupRows(sharded bool) []string {
	if !sharded {
		return []string{"cleanup"}
	}
	names := make([]string, models.HomeSlices)
	for slice := range names {
		names[slice] = cleanupRow(sharded, slice)
	}
	return names
}

func cleanupRow(sharded bool, slice int) string {
	if !sharded {
		return "cleanup"
	}
	return fmt.Sprintf("cleanup_%02d", slice)
}

// some is a condition on handles, and what it binds.
type some struct {
	where string
	args  []any
}

// mostHomes is how many homes one statement may list. MariaDB's planner takes the
// square of it: 50 homes took it 5 ms on a busy machine, 100 took 55 ms, and 1,000 took
// 9 s. And an UPDATE of so many was to read, and so to lock, the whole table.
const mostHomes = 50

// among is the condition that a row's handle is one of these, for the end of a
// statement: in a sharded store one for each slice, and for each mostHomes of it. They
// are sorted, so that any two writers lock rows in the same order: in opposite orders
// each could come to wait for a row that the other holds.
//
// Each home has handles of its own: a list of homes beside one of handles would let the
// engine try all pairs. The list of homes is for Vitess, which finds the shard by it;
// an UPDATE or DELETE with BETWEEN it plans and then refuses (24.0: 1105, "unsupported
// opcode").
func (s *Store) among(handles []string) (parts []some) {
	handles = slices.Sorted(slices.Values(handles))
	if !s.sharded {
		return []some{{"handle IN (" + placeholders(len(handles)) + ")", s.exactAll(handles)}}
	}
	// In the order of the handles those of one home are neighbours, and so are those of
	// one slice.
	var homes, own []string
	var args, ownArgs []any
	add := func() {
		if len(homes) > 0 {
			parts = append(parts, some{
				"home IN (" + strings.Join(homes, ", ") + ") AND (" + strings.Join(own, " OR ") + ")", append(args, ownArgs...),
			})
		}
		homes, own, args, ownArgs = nil, nil, nil, nil
	}
	last := -1
	for home, handles := range byHome(handles) {
		if home.Slice() != last || len(homes) == mostHomes {
			add()
			last = home.Slice()
		}
		homes, args = append(homes, "?"), append(args, s.home(home))
		own = append(own, "(home = ? AND handle IN ("+placeholders(len(handles))+"))")
		ownArgs = append(append(ownArgs, s.home(home)), s.exactAll(handles)...)
	}
	add()
	return parts
}

// byHome goes through sorted handles by their homes. Those without one are left out:
// there is no such row.
func byHome(handles []string) iter.Seq2[models.Home, []string] {
	return func(yield func(models.Home, []string) bool) {
		for begin := 0; begin < len(handles); {
			home, ok := models.HomeOfHandle(handles[begin])
			end := begin + 1
			for end < len(handles) && sameHome(handles[begin], handles[end]) {
				end++
			}
			if ok && !yield(home, handles[begin:end]) {
				return
			}
			begin = end
		}
	}
}

func sameHome(a, b string) bool {
	home, ok := models.HomeOfHandle(a)
	other, okOther := models.HomeOfHandle(b)
	return ok == okOther && home == other
}

func (s *Store) exactAll(handles []string) []any {
	args := make([]any, len(handles))
	for i, handle := range handles {
		args[i] = s.exact(handle)
	}
	return args
}

// walkSlice is walk up to the end of a slice.
const walkSlice statement = "SELECT {list columns} FROM {sessions} WHERE home BETWEEN ? AND ? " +
	"AND (home > ? OR (home = ? AND handle > {text})) ORDER BY home, handle LIMIT ?"

// alongSlice binds walkSlice but for the limit. end is where to go on if the page has
// reached the end of the slice: behind its last handle; empty after the last slice.
func (s *Store) alongSlice(after string) (args []any, end string, err error) {
	home, ok := models.HomeOfHandle(after)
	if !ok && after != "" {
		return nil, "", refused(errors.New("after is no handle of a sharded store"))
	}
	slice := home.Slice()
	if after == lastHandle(slice) {
		slice, after = slice+1, ""
		if slice == models.HomeSlices {
			slice, after = slice-1, lastHandle(slice-1)
		}
	}
	first, last := homes(slice)
	home = max(home, first)
	if slice < models.HomeSlices-1 {
		end = lastHandle(slice)
	}
	return []any{s.home(home), s.home(last), s.home(home), s.home(home), s.exact(after)}, end, nil
}

// lastHandle is the highest text that a handle of a slice could be.
func lastHandle(slice int) string {
	b := slices.Repeat([]byte{0xFF}, 20)
	_, last := homes(slice)
	binary.BigEndian.PutUint16(b, uint16(last))
	return strings.ToLower(base32.HexEncoding.EncodeToString(b))
}

// layoutProblem says that the table of the sessions was made for the other layout.
func (s *Store) layoutProblem(present []string) error {
	made := len(absent(present, "home")) == 0
	switch {
	case made == s.sharded:
		return nil
	case made:
		return errors.WithReason(errors.ErrConfig, fmt.Errorf("Sharded: is off, and the table %s was made with it", s.tables.Sessions))
	}
	return errors.WithReason(errors.ErrConfig, fmt.Errorf("Sharded: is on, and the table %s was made without it: "+
		"it is for new tables (Tables.Sessions and Tables.Meta)", s.tables.Sessions))
}

// anySession names no index, unlike probeSessions: whether that is there is for Check.
const anySession statement = "SELECT * FROM {sessions} WHERE 1 = 0"

// checkLayout is layoutProblem for Migrate, to which a table that is not there is none.
func (s *Store) checkLayout(ctx context.Context, x execer) error {
	if s.dialect != mysqlDialect {
		return nil
	}
	present, err := columnsOn(ctx, x, s.sql.of(anySession))
	if err != nil {
		if errors.Is(s.translate(ctx, err), errors.ErrSchema) {
			return nil
		}
		return err
	}
	return s.layoutProblem(present)
}
