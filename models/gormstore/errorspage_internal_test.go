package gormstore

import (
	"fmt"
	"strings"
)

const pageHead = `# Database errors

What the store makes of an error. Made from the table in models/gormstore (TestErrorsPage); change it there.

An error that no statement of the kit can cause by its shape is "unavailable, try again": 503 with Retry-After, cookies
stay. That is the default, because servers in maintenance, proxies, changed passwords and exhausted machines have more
numbers than any list. So the tables name what is a statement's own fault, what is repeated, and what is worth a reason.

| meaning | what the store does | what the client sees |
|---|---|---|
| again | repeats the statement, up to 8 times: the server says that nothing was done | nothing, or 503 |
| unknown | repeats an INSERT only, which recognises its own row; what was done is read before it is judged | 503 |
| away | reports errors.ErrUnavailable | 503 |
| duplicate | reports errors.ErrDuplicate | – |
| schema | reports errors.ErrSchema | 500, at start an error |
| too large | reports errors.ErrInvalidInput with errors.ErrValueTooLarge | 500 |
| text | user agents: stores the ASCII characters. Otherwise as "fault" | 500 |
| fault | reports errors.ErrGeneral | 500 |

Sources, by the letters in the last column: **my** MySQL 8 and 9, share/messages_to_clients.txt. **ma** MariaDB,
sql/share/errmsg-utf8.txt. **ga** Galera, wsrep in MariaDB's sql/wsrep_mysqld.cc. **pxc** Percona XtraDB Cluster,
pxc_strict_mode. **au** Aurora MySQL, read-only endpoints. **px** ProxySQL, lib/MySQL_Session.cpp. **mx** MaxScale, which
uses MariaDB's numbers. **vt** Vitess, go/mysql/sqlerror/constants.go and go/vt/vterrors/code.go. **ti** TiDB,
pkg/errno/errcode.go. **pg** PostgreSQL, src/backend/utils/errcodes.txt. **sqlite** www.sqlite.org/rescode.html.
`

func (m meaning) page() string {
	return map[meaning]string{
		away: "away", undone: "again", unsure: "unknown", duplicate: "duplicate", wrongSchema: "schema",
		tooLarge: "too large", badText: "text", faulty: "fault",
	}[m]
}

// ErrorsPage is docs/database-errors.md.
func ErrorsPage() string {
	var page strings.Builder
	page.WriteString(pageHead)
	page.WriteString("\n## MySQL, MariaDB and what speaks their protocol\n\nA number with a text means a message that matches the " +
		"pattern; the first row that fits counts.\n\n| number | text | meaning | what | source |\n|--:|---|---|---|---|\n")
	for _, rule := range mysqlRules() {
		text := ""
		if rule.text != "" {
			text = "`" + strings.ReplaceAll(rule.text, "|", "\\|") + "`"
		}
		fmt.Fprintf(&page, "| %d | %s | %s | %s | %s |\n", rule.number, text, rule.meaning.page(), rule.what, rule.sources)
	}
	page.WriteString("\nNumbers that are not listed go by the class of their SQLSTATE, then by the table of SQLSTATEs below:\n\n" +
		"| class | meaning | what |\n|---|---|---|\n")
	for _, class := range []string{"01", "0A", "21", "22", "23", "42"} {
		fmt.Fprintf(&page, "| %s | fault | %s |\n", class, mysqlStates()[class])
	}
	states := func(title string, rules []stateRule) {
		page.WriteString("\n## " + title + "\n\nFive characters are a state, two a class. Not listed: away.\n\n" +
			"| SQLSTATE | meaning | what |\n|---|---|---|\n")
		for _, rule := range rules {
			fmt.Fprintf(&page, "| %s | %s | %s |\n", rule.state, rule.meaning.page(), rule.what)
		}
	}
	states("SQLSTATEs of every engine", commonStates())
	states("SQLSTATEs of PostgreSQL (pg)", postgresStates())
	page.WriteString("\n`0A000` is repeated too: a cached plan met a changed table.\n\n## SQLite (sqlite)\n\nExtended codes, or the low byte " +
		"of them. Not listed: away.\n\n| code | meaning | what |\n|--:|---|---|\n")
	for _, rule := range sqliteRules() {
		fmt.Fprintf(&page, "| %d | %s | %s |\n", rule.code, rule.meaning.page(), rule.what)
	}
	page.WriteString("\n`1` is \"schema\" where a table or column is missing.\n")
	return page.String()
}
