package gormstore

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/go-sql-driver/mysql"
)

// mysqlRule says what a number means. Rules of one number are looked at in
// their order, and the first whose text is in the message counts.
//
// Messages are looked at only where a number means several things. They may
// quote names of tables and be translated (lc_messages), so a text asks for
// numbers and fixed words rather than for sentences.
type mysqlRule struct {
	number uint16
	// text is a regular expression; empty = any message.
	text    string
	meaning meaning
	// what goes into errors: fixed words, never the server's.
	what string
	// sources says where the number is from; see docs/database-errors.md, which
	// is made from these rules.
	sources string
}

// everywhere are the sources of what MySQL and MariaDB both say.
const everywhere = "my ma"

// mysqlRules are the numbers of which more is known than their SQLSTATE says.
func mysqlRules() []mysqlRule {
	return slices.Concat(mysqlUndone(), mysqlUnknown(), mysqlAway(), mysqlShape())
}

// mysqlUndone: nothing was done, and trying again may help.
//
// The server says that nothing has been done. A statement of the store
// is a whole transaction, so it makes no difference that after some of
// these InnoDB rolls back the transaction, and after 1205 the statement
// only.
//
// Galera has no locks across nodes. What two nodes wrote at once is
// found out when they commit ("certification"): the loser gets 1213, or
// at COMMIT 1180 with the error of the handler, 149, in the message.
// MariaDB says 1020 where innodb_snapshot_isolation is on, group
// replication 3101.
//
// 1412 and 1615 come when a table was altered meanwhile. At 1461 the store gives
// back what it keeps prepared, see preparingPool. TiDB's 8xxx
// and 9007 are the conflicts of its optimistic transactions; some of
// its lock waits come as 1105, "unknown error", with a text.
//
// Vitess's 1203 is not MySQL's: a tablet's pool of transactions was full for a
// second. vtgate has rolled back what it had begun on other tablets.
func mysqlUndone() []mysqlRule {
	return []mysqlRule{
		{1213, "", undone, "deadlock, or lost certification", "my ma ga ti vt"},
		{1205, "", undone, "lock wait took too long", "my ma ga ti vt"},
		{1020, "", undone, "the row has changed since the snapshot", "ma"},
		{3101, "", undone, "lost certification in the group", "my"},
		{1180, `\berror:? 149\b`, undone, "lost certification at COMMIT", "my ga"},
		{1412, "", undone, "the table's definition has changed", everywhere},
		{1243, "", undone, "the prepared statement is not known, or no longer", everywhere},
		{1461, "", undone, "too many prepared statements", everywhere},
		{1615, "", undone, "the statement must be prepared anew", everywhere},
		{1689, "", undone, "a lock was given up for another", everywhere},
		{3058, "", undone, "deadlock of named locks", everywhere},
		{8002, "", undone, "SELECT FOR UPDATE met a conflict", "ti"},
		{8005, "", undone, "write conflict", "ti"},
		{8022, "", undone, "commit failed, nothing was written", "ti"},
		{8028, "", undone, "the schema has changed meanwhile", "ti"},
		{9007, "", undone, "write conflict", "ti"},
		{1105, `pessimistic lock retry limit reached|lock wait timeout`, undone, "waited too long for a lock", "ti"},
		{1203, `\bcode = ResourceExhausted\b`, undone, "a tablet's pool was full", "vt"},
	}
}

// tabletCode is in the message of what a tablet cut off.
const tabletCode = `\bcode = (DeadlineExceeded|Canceled|Aborted)\b`

// mysqlUnknown: it may have been done.
//
// Nobody knows what has been done: the answer was lost on its way, or
// the server went away before it could give one. 1180 without the text
// above is a COMMIT that failed for an unknown reason, possibly after
// it took effect.
//
// TiDB's storage is behind another network: 9001 to 9011 say that it
// did not answer. ProxySQL's own 9001 says that no server of its did in
// time.
//
// Vitess makes 1317 of three of its codes, whatever was cut off: a commit, or
// only the wait for a connection to MySQL. Where several tablets are concerned
// its 3024 is as open.
func mysqlUnknown() []mysqlRule {
	return []mysqlRule{
		{1053, "", unsure, "the server shuts down", everywhere},
		{1158, "", unsure, "the network failed", everywhere},
		{1159, "", unsure, "the network failed", everywhere},
		{1160, "", unsure, "the network failed", everywhere},
		{1161, "", unsure, "the network failed", everywhere},
		{1180, "", unsure, "COMMIT failed", "my ma ga"},
		{1927, "", unsure, "the connection was killed", "ma mx"},
		{2006, "", unsure, "the server has gone away", "my ma px mx"},
		{2013, "", unsure, "the connection was lost", "my ma px mx vt"},
		{2055, "", unsure, "the connection was lost", everywhere},
		{3169, "", unsure, "the session was killed", "my"},
		{4031, "", unsure, "the server closed an idle connection", "my"},
		{1317, tabletCode, unsure, "cut off at a tablet", "vt"},
		{3024, tabletCode, unsure, "cut off at a tablet", "vt"},
		{8027, "", unsure, "the schema is out of date", "ti"},
		{9001, "", unsure, "PD does not answer (TiDB); no connection to a server in time (ProxySQL)", "ti px"},
		{9002, "", unsure, "TiKV does not answer", "ti"},
		{9003, "", unsure, "TiKV is busy", "ti"},
		{9004, "", unsure, "locks could not be resolved", "ti"},
		{9005, "", unsure, "a region is not available", "ti"},
		{9008, "", unsure, "TiKV's version does not fit", "ti"},
		{9010, "", unsure, "TiKV failed", "ti"},
		{9011, "", unsure, "TiKV failed", "ti"},
	}
}

// mysqlAway: nothing was done, and trying again at once would not help.
//
// The database cannot be asked, for now. Nothing was done, but trying
// again at once would not help: this takes an operator, or minutes. The
// client gets 503 and its cookies stay.
//
// 1026 and 1030 are "error writing" and "error from the storage
// engine", with the number of the operating system's error in the
// message: 28 is ENOSPC. A table may be called auth_28, so the number
// alone would not do.
func mysqlAway() []mysqlRule {
	return []mysqlRule{
		{1021, "", away, "the disk is full", everywhere},
		{1026, `(?i)\b(error|errno|errcode)(:? |: )28\b|No space left`, away, "no space left", everywhere},
		{1030, `(?i)\b(error|errno|errcode)(:? |: )28\b|No space left`, away, "no space left", everywhere},
		{1114, "", away, "the table is full", everywhere},
		{1037, "", away, "out of memory", everywhere},
		{1038, "", away, "out of memory", everywhere},
		{1041, "", away, "out of resources", "my ma vt"},
		{1040, "", away, "too many connections", "my ma px mx"},
		{1044, "", away, "access to the database denied", everywhere},
		{1045, "", away, "access denied", "my ma px mx"},
		{1047, "", away, "not ready: without quorum, or still joining", "ga px"},
		{1049, "", away, "unknown database", "my ma vt"},
		{1077, "", away, "the server shuts down", everywhere},
		{1079, "", away, "the server has shut down", everywhere},
		{1129, "", away, "the host is blocked", everywhere},
		{1130, "", away, "the host may not connect", "my ma mx"},
		{1135, "", away, "no thread to be had", everywhere},
		{1153, "", tooLarge, "larger than max_allowed_packet", "my ma px vt"},
		{1203, "", away, "too many connections of this user", "my ma vt"},
		{1206, "", away, "too many locks", everywhere},
		{1226, "", away, "the user's limit is reached", everywhere},
		{1251, "", away, "the way of signing in is not supported", everywhere},
		{1290, "", away, "the server is read-only", "my ma au mx"},
		{1317, "", away, "interrupted", "my ma vt"},
		{1637, "", away, "too many transactions", everywhere},
		{1698, "", away, "access denied", everywhere},
		{1792, "", away, "the transaction is read-only", everywhere},
		{1820, "", away, "the password must be changed", everywhere},
		{1836, "", away, "the server is read-only", "my au"},
		{1862, "", away, "the password has expired", everywhere},
		{1969, "", away, "ran too long", "ma"},
		{2002, "", away, "nobody answers", "my ma px mx"},
		{2003, "", away, "nobody answers", "my ma px mx"},
		{3024, "", away, "ran too long", "my ti vt"},
		{3100, "", away, "replication refuses", "my"},
		{3118, "", away, "the account is locked", "my"},
		{3159, "", away, "connections must be encrypted", everywhere},
		{3168, "", away, "the server is not available", "my"},
		{3170, "", away, "out of memory", "my"},
		{3572, "", away, "the row is locked", "my"},
		{3955, "", away, "the account is locked", "my"},
		{4151, "", away, "the account is locked", "ma"},
		{8175, "", away, "out of memory", "ti"},
		{8176, "", away, "out of memory", "ti"},
		{8252, "", away, "the resource group has ended", "ti"},
		{8253, "", away, "the resource group has ended", "ti"},
	}
}

// mysqlShape: the statement, the schema or the setup is at fault.
//
// What a statement can cause by its shape, where the SQLSTATE does not
// say so. First what means something to the caller: the key exists
// (1062; 1586 with its name; 1022 and 1169 by other ways), the schema
// is not ours, a value is too large, or has characters that its column
// lacks.
func mysqlShape() []mysqlRule {
	return []mysqlRule{
		{1022, "", duplicate, "duplicate key", everywhere},
		{1062, "", duplicate, "duplicate key", "my ma ti vt"},
		{1169, "", duplicate, "duplicate key", everywhere},
		{1586, "", duplicate, "duplicate key", everywhere},
		{1051, "", wrongSchema, "no such table", everywhere},
		{1054, "", wrongSchema, "no such column", everywhere},
		{1146, "", wrongSchema, "no such table", "my ma ti vt"},
		{1176, "", wrongSchema, "no such index", everywhere},
		{1364, "", wrongSchema, "a column that the kit does not know has no default", everywhere},
		{8004, "", tooLarge, "transaction too large", "ti"},
		{8025, "", tooLarge, "entry too large", "ti"},
		{1300, "", badText, "invalid characters", everywhere},
		{1366, "", badText, "incorrect value", everywhere},
		{3854, "", badText, "characters that cannot be converted", "my"},
		// Vitess wraps everything into 1105. The code of its planner tells a
		// wrong statement (VT03…) from a shard that does not answer (VT14…,
		// away).
		{1105, `\bVT(03|05|06|07|12|13)\d{3}\b`, faulty, "refused by the planner", "vt"},
		{
			1105, `code = (InvalidArgument|Unimplemented|PermissionDenied|NotFound|AlreadyExists|OutOfRange)\b`,
			faulty, "refused by the tablet", "vt",
		},
		{1105, `pxc_strict_mode`, faulty, "forbidden by pxc_strict_mode", "pxc"},
		// The rest is a wrong DSN, a server setting or a missing right, none of
		// which a repetition cures: reported as 500, for somebody to look at.
		{1005, "", faulty, "the table cannot be made", everywhere},
		{1025, "", faulty, "the table cannot be renamed", everywhere},
		{1031, "", faulty, "the storage engine has no such option", everywhere},
		{1046, "", faulty, "the DSN names no database", everywhere},
		{1105, "", away, "unknown error", "my ma ti vt"},
		{1175, "", faulty, "refused by sql_safe_updates", everywhere},
		{1193, "", faulty, "unknown system variable in the DSN", everywhere},
		{1210, "", faulty, "incorrect arguments", everywhere},
		{1221, "", faulty, "incorrect usage", everywhere},
		{1229, "", faulty, "not a session variable", everywhere},
		{1238, "", faulty, "a variable is read-only", everywhere},
		{1267, "", faulty, "mixed collations", everywhere},
		{1270, "", faulty, "mixed collations", everywhere},
		{1271, "", faulty, "mixed collations", everywhere},
		{1273, "", faulty, "unknown collation", "my ma ti"},
		{1289, "", faulty, "the feature is switched off", everywhere},
		{1295, "", faulty, "cannot be prepared", everywhere},
		{1298, "", faulty, "unknown time zone in the DSN", everywhere},
		{1390, "", faulty, "too many placeholders", everywhere},
		{1478, "", faulty, "the table's options do not fit", everywhere},
		{1709, "", faulty, "the index is too wide", everywhere},
		{3098, "", faulty, "the table does not fit the replication group", "my"},
		{8048, "", faulty, "isolation level not supported", "ti"},
	}
}

// mysqlStates are the classes of SQLSTATE that a statement can cause by its
// shape. Of the rest judgeSQLState knows some; what it does not know is away.
func mysqlStates() map[string]string {
	return map[string]string{
		"01": "a warning that strict mode made an error",
		"0A": "not supported",
		"21": "wrong number of columns or rows",
		"22": "a value does not fit",
		"23": "a constraint is broken",
		"42": "syntax, or rights",
	}
}

// judgeMySQL knows MySQL's numbers, MariaDB's, Galera's and those of proxies.
// The numbers come first, as proxies give many errors the SQLSTATE HY000, which
// says nothing.
func judgeMySQL(e *mysql.MySQLError) judgement {
	text := fmt.Sprintf("MySQL error %d", e.Number)
	state := string(e.SQLState[:])
	if e.SQLState[0] != 0 { // some proxies send none
		text += " (" + state + ")"
	}
	for _, rule := range mysqlByNumber[e.Number] {
		if rule.text == nil || rule.text.MatchString(e.Message) {
			return rule.meaning.because(text + ": " + rule.what)
		}
	}
	if why, ok := mysqlStates()[state[:2]]; ok {
		return faulty.because(text + ": " + why)
	}
	return judgeSQLState(text, state)
}

// compiledRule is a mysqlRule whose text is a regular expression that can be
// used.
type compiledRule struct {
	text    *regexp.Regexp
	meaning meaning
	what    string
}

// mysqlByNumber is made once and only read: compiling takes longer than
// judging.
var mysqlByNumber = compileRules(mysqlRules())

// compileRules keeps the order of the rules that share a number.
func compileRules(rules []mysqlRule) map[uint16][]compiledRule {
	byNumber := make(map[uint16][]compiledRule, len(rules))
	for _, rule := range rules {
		compiled := compiledRule{meaning: rule.meaning, what: rule.what}
		if rule.text != "" {
			compiled.text = regexp.MustCompile(rule.text)
		}
		byNumber[rule.number] = append(byNumber[rule.number], compiled)
	}
	return byNumber
}
