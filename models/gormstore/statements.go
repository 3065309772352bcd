package gormstore

import "strings"

// statements holds the SQL text with the table names put in. Every value is
// bound. No ? follows a parenthesis at once: GORM would take a slice of bytes
// there for a list of numbers.
type statements struct {
	insert, find, list                                string
	advance, extend, writeData, writePayload          string
	revoke, revokeAll                                 string
	selectEnded, deleteEnded, claimCleanup            string
	keys, insertKey, keyOfSlot, retireKey, deleteKeys string
}

const (
	// The columns in the order of insertArgs and scanSession.
	sessionColumns = "handle, user_id, refresh_cur_hash, refresh_prev_hash, refresh_cur_iat, refresh_gen, " +
		"payload, data, data_version, created_at, last_used_at, expires_at, absolute_expires_at, " +
		"revoked_at, revoke_reason, user_agent, ip"
	// Those that a device list may show, in the order of scanListed.
	listColumns = "handle, user_id, refresh_cur_iat, refresh_gen, data_version, created_at, last_used_at, " +
		"expires_at, absolute_expires_at, revoked_at, revoke_reason, user_agent, ip"
	keyColumns  = "id, purpose, slot, algorithm, secret, created_at, active_from, retire_at"
	metaColumns = "name, value"

	// live takes now twice. It is part of every transition, so that no decision
	// taken before can outlive the session.
	live = " AND revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?)"
)

func newStatements(dialect string, t Tables) statements {
	r := t.replacer(dialect)
	st := statements{
		insert: "INSERT INTO {sessions} (" + sessionColumns + ") VALUES ( " + placeholders(sessionColumns) + ")",
		find:   "SELECT " + sessionColumns + " FROM {sessions} WHERE handle = ?",
		list: "SELECT " + listColumns + " FROM {sessions} WHERE user_id = ?" + live +
			" ORDER BY created_at, handle",

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

		revoke: "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? WHERE handle = ? AND revoked_at = 0",
		revokeAll: "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? " +
			"WHERE user_id = ?" + live,

		// Two index ranges: an OR over two columns makes engines read the table.
		selectEnded: "SELECT handle FROM (SELECT handle FROM {sessions} " +
			"WHERE expires_at < ? ORDER BY expires_at LIMIT ?) AS idle " +
			"UNION SELECT handle FROM (SELECT handle FROM {sessions} " +
			"WHERE absolute_expires_at > 0 AND absolute_expires_at < ? ORDER BY absolute_expires_at LIMIT ?) AS ended",
		deleteEnded: "DELETE FROM {sessions} WHERE (expires_at < ? OR " +
			"(absolute_expires_at > 0 AND absolute_expires_at < ?)) AND handle IN ( ",
		claimCleanup: "UPDATE {meta} SET value = ? WHERE name = 'cleanup' AND value <= ? AND value < ?",

		keys:       "SELECT " + keyColumns + " FROM {keys} WHERE retire_at > ? ORDER BY retire_at, id",
		insertKey:  "INSERT INTO {keys} (" + keyColumns + ") VALUES ( " + placeholders(keyColumns) + ")",
		keyOfSlot:  "SELECT " + keyColumns + " FROM {keys} WHERE purpose = ? AND slot = ?",
		retireKey:  "UPDATE {keys} SET retire_at = ? WHERE id = ? AND retire_at > ?",
		deleteKeys: "DELETE FROM {keys} WHERE retire_at < ?",
	}
	for _, text := range st.texts() {
		*text = r.Replace(*text)
	}
	return st
}

// texts lists the statements.
func (st *statements) texts() []*string {
	return []*string{
		&st.insert, &st.find, &st.list, &st.advance, &st.extend, &st.writeData, &st.writePayload,
		&st.revoke, &st.revokeAll, &st.selectEnded, &st.deleteEnded, &st.claimCleanup,
		&st.keys, &st.insertKey, &st.keyOfSlot, &st.retireKey, &st.deleteKeys,
	}
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
