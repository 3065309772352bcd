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
// Two rules hold for all of them. Every value is bound: no text is ever put
// together from one. And no ? follows a parenthesis at once, as GORM would take
// a slice of bytes there for a list of numbers; hence "( ?".
type statement string

// The columns of the tables. insertArgs and scanSession, scanListed, scanEnd,
// InsertKey and scanKey know their order: a column is added at both places or
// not at all.
const (
	sessionColumns = "handle, user_id, refresh_cur_hash, refresh_prev_hash, refresh_cur_iat, refresh_gen, " +
		"payload, data, data_version, created_at, last_used_at, expires_at, absolute_expires_at, " +
		"revoked_at, revoke_reason, user_agent, ip"
	// listColumns are those that a device list may show: no hashes, no payload
	// and no data, which would make a page of a thousand rows large.
	listColumns = "handle, user_id, refresh_cur_iat, refresh_gen, data_version, created_at, last_used_at, " +
		"expires_at, absolute_expires_at, revoked_at, revoke_reason, user_agent, ip"
	// endColumns tell where in the order a session is, and whether it is live.
	endColumns = "handle, created_at, expires_at, absolute_expires_at"

	keyColumns  = "id, purpose, slot, algorithm, secret, created_at, active_from, retire_at"
	metaColumns = "name, value"
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
func newStatements(dialect string, t Tables) *statements {
	return &statements{replacer: t.replacer(dialect), texts: map[statement]string{}}
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
func (t Tables) replacer(dialect string) *strings.Replacer {
	quote := `"`
	if dialect == mysqlDialect {
		quote = "`"
	}
	pairs := []string{
		"{sessions by user}", byUser(dialect, quote+t.Sessions+quote, quote+t.Sessions+"_user"+quote),
		"{session columns}", readable(dialect, sessionColumns),
		"{session values}", sessionValues(dialect),
		"{list columns}", readable(dialect, listColumns),
	}
	for mark, name := range map[string]string{
		"{sessions}":        t.Sessions,
		"{sessions_user}":   t.Sessions + "_user",
		"{sessions_expiry}": t.Sessions + "_expiry",
		"{sessions_end}":    t.Sessions + "_end",
		"{keys}":            t.SigningKeys,
		"{keys_slot}":       t.SigningKeys + "_slot",
		"{keys_retire}":     t.SigningKeys + "_retire",
		"{meta}":            t.Meta,
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

// userAgentColumn is the one column of text that may hold more than ASCII. On
// MySQL it crosses the wire as bytes: what the connection's character set
// lacks, such as an emoji under charset=utf8, would be refused or become a
// question mark.
const userAgentColumn = "user_agent"

// readable is a list of columns as a SELECT asks for them; see userAgentColumn.
func readable(dialect, columns string) string {
	if dialect != mysqlDialect {
		return columns
	}
	return strings.Replace(columns, userAgentColumn, "CAST("+userAgentColumn+" AS BINARY)", 1)
}

// sessionValues is one placeholder for each of the sessionColumns. On MySQL the
// last three, which may be empty texts, are shielded from MariaDB's sql_mode
// EMPTY_STRING_IS_NULL: that makes NULL of an empty text, bound or literal, but
// not of what SUBSTR returns. The columns are NOT NULL.
func sessionValues(dialect string) string {
	if dialect != mysqlDialect {
		return placeholders(columnCount(sessionColumns))
	}
	const empty = ", SUBSTR('x', 2))"
	return placeholders(columnCount(sessionColumns)-3) +
		", COALESCE( ?" + empty + ", COALESCE(CAST( ? AS BINARY)" + empty + ", COALESCE( ?" + empty
}

// columnCount is how many names a list of columns has.
func columnCount(columns string) int { return strings.Count(columns, ",") + 1 }

// placeholders is a list of n question marks.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
