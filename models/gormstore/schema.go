package gormstore

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// schemaVersion is what this code needs. Each version works with the code made
// for the one before it too, so that instances can be replaced one by one.
const schemaVersion = 3

// The steps are named NNNN_what.sql, NNNN being the version that a step leads
// to. 0000 holds the bookkeeping. Every statement may be repeated: MySQL
// commits each DDL statement by itself, so a migration can break off between
// any two. On MySQL and SQLite one that adds columns may fail then, see runStep.
//
//go:embed schema/*/*.sql
var schemaFiles embed.FS

// Schema returns the SQL that [Store.Migrate] would run on an empty database,
// for teams whose account of the running program has no right to. The dialect
// is mysql (MariaDB too), postgres or sqlite. The text may be run again, and
// on top of an older version. MySQL and SQLite then say of columns that are there
// already that they are duplicates (1060), which means that the statement was carried
// out before: have the client go on (--force).
//
// Another dialect or a wrong cfg is [errors.ErrConfig].
func Schema(dialect string, cfg Config) (string, error) {
	found := cfg.problems(dialect)
	steps, err := schemaSteps(dialect, cfg.Tables.withDefaults(), cfg.Sharded)
	if err != nil {
		found = append(found, err)
	}
	if err := found.Err(); err != nil {
		return "", err
	}
	texts := make([]string, 0, len(steps))
	for _, step := range steps {
		texts = append(texts, step.text)
	}
	return strings.Join(texts, "\n"), nil
}

// schemaStep is one file, with the names of the tables in it.
type schemaStep struct {
	version int64
	text    string
}

// schemaSteps returns the files of the dialect in their order, with the names
// of the tables put in.
func schemaSteps(dialect string, tables Tables, sharded bool) ([]schemaStep, error) {
	names, err := fs.Glob(schemaFiles, "schema/"+dialect+"/*.sql")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("dialect: %q is none of mysql, postgres, sqlite", dialect)
	}
	replacer := tables.replacer(dialect, sharded)
	steps := make([]schemaStep, 0, len(names))
	for _, name := range names { // sorted
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, err
		}
		steps = append(steps, schemaStep{version, replacer.Replace(string(text))})
	}
	return steps, nil
}

// statements splits the text where a line ends in a semicolon: drivers take one
// statement at a time. So in the steps no literal and no comment may have such
// a line.
func (step schemaStep) statements() []string {
	var found []string
	for text := range strings.SplitSeq(step.text, ";\n") {
		if text = strings.TrimSpace(text); text != "" {
			found = append(found, text)
		}
	}
	return found
}

// versionProblem says why this code does not work with that version of the
// schema, or nil. One version ahead is fine: while instances are replaced one
// by one, the first new one migrates, and the old ones still run.
func versionProblem(table string, version int64) error {
	switch {
	case version < schemaVersion:
		return schemaError("%s: schema version %d, needed is %d; run Migrate", table, version, schemaVersion)
	case version > schemaVersion+1:
		return schemaError("%s: schema version %d, this program knows %d and works with %d at most",
			table, version, schemaVersion, schemaVersion+1)
	}
	return nil
}

// schemaError is an [errors.ErrSchema] that says what to do.
func schemaError(format string, args ...any) error {
	return errors.WithReason(errors.ErrGeneral, fmt.Errorf("%w: "+format, append([]any{errors.ErrSchema}, args...)...))
}
