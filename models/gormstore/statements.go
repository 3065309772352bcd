package gormstore

import "strings"

// statement numbers the texts.
type statement int

const (
	insert statement = iota
	find
	advance
	extend
	writeData
	writePayload
	revoke
	listOfUser
	selectOfUser
	revokeOfUser
	selectEnded
	deleteEnded
	claimCleanup
	selectKeys
	insertKey
	keyOfSlot
	retireKey
	sealKey
	deleteKeys
	numStatements
)

// statements holds the SQL text of each, with the table names put in. Every value
// is bound. No ? follows a parenthesis at once: GORM would take a slice of bytes
// there for a list of numbers.
type statements [numStatements]string

const (
	// The columns in the order of insertArgs and scanSession.
	sessionColumns = "handle, user_id, refresh_cur_hash, refresh_prev_hash, refresh_cur_iat, refresh_gen, " +
		"payload, data, data_version, created_at, last_used_at, expires_at, absolute_expires_at, " +
		"revoked_at, revoke_reason, user_agent, ip"
	// Those that a device list may show, in the order of scanListed.
	listColumns = "handle, user_id, refresh_cur_iat, refresh_gen, data_version, created_at, last_used_at, " +
		"expires_at, absolute_expires_at, revoked_at, revoke_reason, user_agent, ip"
	// What tells whether a session is live, in the order of scanEnd.
	endColumns = "handle, created_at, expires_at, absolute_expires_at"

	keyColumns  = "id, purpose, slot, algorithm, secret, created_at, active_from, retire_at"
	metaColumns = "name, value"

	// live takes now twice. It is part of every transition, so that no decision
	// taken before can outlive the session.
	live = " AND revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?)"
)

// maxKeys bounds what Keys reads. A ring has a handful; and a SELECT that says how
// many rows it wants is out of the reach of MySQL's sql_select_limit.
const maxKeys = 10_000

// newStatements replaces the marks in all texts at once, so that no statement can
// be left with {sessions} in it.
func newStatements(dialect string, t Tables) statements {
	st := statements{
		insert: "INSERT INTO {sessions} (" + sessionColumns + ") VALUES ( " + insertMarks(dialect) + ")",
		find:   "SELECT " + readable(dialect, sessionColumns) + " FROM {sessions} WHERE handle = ?",

		// The previous hash is a bound value: in SET a = ?, b = a the engines
		// disagree on which a they mean.
		advance: "UPDATE {sessions} SET refresh_prev_hash = ?, refresh_cur_hash = ?, refresh_cur_iat = ?, " +
			"refresh_gen = ?, last_used_at = ?, " +
			"expires_at = CASE WHEN expires_at < ? THEN ? ELSE expires_at END " +
			"WHERE handle = ? AND refresh_cur_hash = ?" + live,
		extend: "UPDATE {sessions} SET expires_at = ?, last_used_at = ? " +
			"WHERE handle = ? AND refresh_cur_hash = ? AND expires_at < ?" + live,
		writeData: "UPDATE {sessions} SET data = ?, data_version = data_version + 1 " +
			"WHERE handle = ?" + live,
		writePayload: "UPDATE {sessions} SET payload = ? WHERE handle = ?" + live,
		revoke:       "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? WHERE handle = ? AND revoked_at = 0",

		// What has ended is not left out by these two: LIMIT would not count it,
		// and so would not bound what they read.
		listOfUser:   "SELECT " + readable(dialect, listColumns) + " FROM " + byUser(dialect) + " WHERE user_id = ? AND revoked_at = 0",
		selectOfUser: "SELECT " + endColumns + " FROM " + byUser(dialect) + " WHERE user_id = ? AND revoked_at = 0",
		revokeOfUser: "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? " +
			"WHERE revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?) AND handle IN ( ",

		// Two index ranges: an OR over two columns makes engines read the table.
		selectEnded: "SELECT handle FROM (SELECT handle FROM {sessions} " +
			"WHERE expires_at < ? ORDER BY expires_at LIMIT ?) AS idle " +
			"UNION SELECT handle FROM (SELECT handle FROM {sessions} " +
			"WHERE absolute_expires_at > 0 AND absolute_expires_at < ? ORDER BY absolute_expires_at LIMIT ?) AS ended LIMIT ?",
		deleteEnded: "DELETE FROM {sessions} WHERE (expires_at < ? OR " +
			"(absolute_expires_at > 0 AND absolute_expires_at < ?)) AND handle IN ( ",
		claimCleanup: "UPDATE {meta} SET value = ? WHERE name = 'cleanup' AND value <= ? AND value < ?",

		selectKeys: "SELECT " + keyColumns + " FROM {keys} WHERE retire_at > ? ORDER BY retire_at, id LIMIT ?",
		insertKey:  "INSERT INTO {keys} (" + keyColumns + ") VALUES ( " + placeholders(keyColumns) + ")",
		keyOfSlot:  "SELECT " + keyColumns + " FROM {keys} WHERE purpose = ? AND slot = ?",
		retireKey:  "UPDATE {keys} SET retire_at = ? WHERE id = ? AND retire_at > ?",
		sealKey:    "UPDATE {keys} SET secret = ? WHERE id = ? AND secret = ?",
		deleteKeys: "DELETE FROM {keys} WHERE retire_at < ?",
	}
	r := t.replacer(dialect)
	for i, text := range st {
		st[i] = r.Replace(text)
	}
	return st
}

// byUser is the sessions table, to be read by the index on its users. For a user who
// has a good part of the table, MySQL's planner would not go to the place in the index
// where a page begins, and read all pages before it again.
func byUser(dialect string) string {
	if dialect != mysqlDialect {
		return "{sessions}"
	}
	return "{sessions} FORCE INDEX ({sessions_user})"
}

// userAgentColumn is the one column of text that may hold more than ASCII. On MySQL it
// crosses the wire as bytes: what the connection's character set lacks, such as an
// emoji under charset=utf8, would be refused or become a question mark.
const userAgentColumn = "user_agent"

// readable is a list of columns as a SELECT asks for them.
func readable(dialect, columns string) string {
	if dialect != mysqlDialect {
		return columns
	}
	return strings.Replace(columns, userAgentColumn, "CAST("+userAgentColumn+" AS BINARY)", 1)
}

// insertMarks is one placeholder for each of the sessionColumns. On MySQL the last
// three, which may be empty texts, are shielded from MariaDB's sql_mode
// EMPTY_STRING_IS_NULL.
func insertMarks(dialect string) string {
	if dialect != mysqlDialect {
		return placeholders(sessionColumns)
	}
	const empty = ", SUBSTR('x', 2))"
	return marks(strings.Count(sessionColumns, ",")-2) +
		", COALESCE( ?" + empty + ", COALESCE(CAST( ? AS BINARY)" + empty + ", COALESCE( ?" + empty
}

// placeholders is one ? for each of the columns.
func placeholders(columns string) string {
	return marks(strings.Count(columns, ",") + 1)
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// replacer puts quoted names in the place of {sessions}, {keys} and {meta}, and of
// the indexes such as {sessions_user}.
func (t Tables) replacer(dialect string) *strings.Replacer {
	quote := `"`
	if dialect == mysqlDialect {
		quote = "`"
	}
	var pairs []string
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
