package gormstore

import (
	"strings"
	"sync"
)

// statement is the text of one statement, a constant beside the method that
// binds its values. It holds marks in the place of what differs between stores:
// the names of the tables, and the few words in which the dialects differ; see
// [Tables.replacer].
//
// One rule holds for all of them. Every value is bound, one to each question mark: no
// text is ever put together from one.
type statement string

// The columns of the tables. insertArgs and scanSession, scanListed, scanEnd,
// InsertKey and scanKey, WriteHint and scanFeed know their order: a column is added
// at both places or not at all.
const (
	sessionColumns = "handle, user_id, refresh_cur_hash, refresh_prev_hash, refresh_cur_iat, refresh_gen, " +
		"payload, data, data_version, created_at, last_used_at, expires_at, absolute_expires_at, " +
		"auth_at, aal, idle_ms, flags, revoked_at, revoke_reason, user_agent, ip, label, amr, origin"
	// listColumns are those that a device list may show: no hashes, no payload
	// and no data, which would make a page of a thousand rows large.
	listColumns = "handle, user_id, refresh_cur_iat, refresh_gen, data_version, created_at, last_used_at, " +
		"expires_at, absolute_expires_at, auth_at, aal, idle_ms, flags, revoked_at, revoke_reason, " +
		"user_agent, ip, label, amr, origin"
	// endColumns tell where in the order a session is, and whether it is live.
	endColumns = "handle, created_at, expires_at, absolute_expires_at"

	keyColumns  = "id, purpose, slot, algorithm, secret, created_at, active_from, retire_at"
	metaColumns = "name, value"
	feedColumns = "at, id, kind, subject, owner"
)

// live takes now twice. It is part of every transition, so that no decision
// taken before can outlive the session: between reading a row and writing it,
// somebody may have signed out.
const live = " AND revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?)"

// statements gives the texts of one store. A text is made when it is first
// asked for, and kept, as drivers and GORM keep what they prepared by the very
// text. So there is no list of statements in which one could be forgotten.
type statements struct {
	replacer *strings.Replacer

	mu    sync.RWMutex
	texts map[statement]string
}

// newStatements has no text yet; see statements.of.
func newStatements(dialect string, t Tables, sharded bool) *statements {
	return &statements{replacer: t.replacer(dialect, sharded), texts: map[statement]string{}}
}

// of returns the text of st, which must be a constant: every other one is kept
// too.
func (s *statements) of(st statement) string {
	s.mu.RLock()
	text, ok := s.texts[st]
	s.mu.RUnlock()
	if ok {
		return text
	}
	text = s.replacer.Replace(string(st))
	s.mu.Lock()
	s.texts[st] = text
	s.mu.Unlock()
	return text
}

// replacer puts in the place of each mark what it stands for: quoted names for
// {sessions}, {keys}, {meta} and the indexes, and the words of the dialect. All
// marks are replaced at once, so that no name is looked at again: one that
// looks like a mark would do no harm.
func (t Tables) replacer(dialect string, sharded bool) *strings.Replacer {
	quote := `"`
	if dialect == mysqlDialect {
		quote = "`"
	}
	pairs := []string{
		"{sessions by user}", byUser(dialect, quote+t.Sessions+quote, quote+t.Sessions+"_user"+quote),
		"{sessions by expiry}", t.bySlice(quote, sharded, "_expiry"),
		"{sessions by end}", t.bySlice(quote, sharded, "_end"),
		"{session columns}", readable(dialect, sessionColumns),
		"{session values}", sessionValues(dialect),
		"{list columns}", readable(dialect, listColumns),
		"{text}", textValue(dialect),
		"{clock}", clock(dialect),
	}
	pairs = append(pairs, placing(sharded)...)
	for mark, name := range map[string]string{
		"{sessions}":        t.Sessions,
		"{sessions_user}":   t.Sessions + "_user",
		"{sessions_expiry}": t.Sessions + "_expiry",
		"{sessions_end}":    t.Sessions + "_end",
		"{keys}":            t.SigningKeys,
		"{keys_slot}":       t.SigningKeys + "_slot",
		"{keys_retire}":     t.SigningKeys + "_retire",
		"{meta}":            t.Meta,
		"{feed}":            t.Feed,
	} {
		pairs = append(pairs, mark, quote+name+quote)
	}
	return strings.NewReplacer(pairs...)
}

// byUser is the sessions table, to be read by the index on its users. For a
// user who has a good part of the table, MySQL's planner would not go to the
// place in the index where a page begins: it would read all pages before it
// again.
func byUser(dialect, table, index string) string {
	if dialect != mysqlDialect {
		return table
	}
	return table + " FORCE INDEX (" + index + ")"
}

// readable is a list of columns as a SELECT asks for them. Two columns of text may hold
// more than ASCII. On MySQL they cross the wire as bytes: what the connection's
// character set lacks, such as an emoji under charset=utf8, would be refused or become
// a question mark. (Not by CAST(label AS BINARY): of a column of 64 characters TiDB
// gives the first 64 bytes then.)
func readable(dialect, columns string) string {
	if dialect != mysqlDialect {
		return columns
	}
	return strings.NewReplacer("user_agent", "CONVERT(user_agent USING binary)", "label", "CONVERT(label USING binary)").
		Replace(columns)
}

// emptyText is an empty text that MariaDB's sql_mode EMPTY_STRING_IS_NULL leaves
// alone: that makes NULL of an empty text, bound or literal, but not of what SUBSTR
// returns.
const emptyText = "SUBSTR('x', 2)"

// textValue is a placeholder for a text or for bytes that may be empty, of a column
// that is NOT NULL; see readable and emptyText.
func textValue(dialect string) string {
	if dialect != mysqlDialect {
		return "?"
	}
	return "COALESCE(CAST(? AS BINARY), " + emptyText + ")"
}

// sessionValues is one placeholder for each of the sessionColumns, of which the last
// six may be empty texts.
func sessionValues(dialect string) string {
	if dialect != mysqlDialect {
		return placeholders(columnCount(sessionColumns))
	}
	const word = "COALESCE(?, " + emptyText + ")"
	text := textValue(dialect)
	return strings.Join([]string{placeholders(columnCount(sessionColumns) - 6), word, text, word, text, word, word}, ", ")
}

// clock is the time at the database in milliseconds since 1970 UTC, whatever the time
// zone of the server or the session. It is for the feed alone, whose times all
// processes compare. No other statement asks what time it is: the times of sessions
// come from the caller.
func clock(dialect string) string {
	switch dialect {
	case mysqlDialect: // not UNIX_TIMESTAMP: it goes by the session's time zone
		return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000"
	case postgresDialect: // not now(): that is when the transaction began
		return "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)"
	default:
		return "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)"
	}
}

// columnCount is how many names a list of columns has.
func columnCount(columns string) int { return strings.Count(columns, ",") + 1 }

// placeholders is a list of n question marks.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
