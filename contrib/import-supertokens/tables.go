package importsupertokens

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// tables are the names of the core's tables that are read.
type tables struct {
	keyValues, tenants, sessions, users, mappings string
}

// tableSyntax is a name that needs no more than backticks around it.
var tableSyntax = regexp.MustCompile(`^[A-Za-z0-9_$]{1,64}$`)

// namesOf are the tables' names as the core makes them: P, config/MySQLConfig.java,
// validateAndNormalise and the getters of tables. Two tables have settings of their
// own, which the prefix is not put before.
func namesOf(cfg Config) (tables, error) {
	prefix := ""
	if cfg.TablePrefix != "" {
		prefix = cfg.TablePrefix + "_"
	}
	t := tables{
		keyValues: cfg.KeyValues, tenants: prefix + "tenants", sessions: cfg.Sessions,
		users: prefix + "app_id_to_user_id", mappings: prefix + "userid_mapping",
	}
	if t.keyValues == "" {
		t.keyValues = prefix + "key_value"
	}
	if t.sessions == "" {
		t.sessions = prefix + "session_info"
	}
	for _, name := range t.all() {
		if !tableSyntax.MatchString(name) {
			return tables{}, refused("%q is no name of a table", name)
		}
	}
	return t, nil
}

func (t tables) all() []string {
	return []string{t.keyValues, t.tenants, t.sessions, t.users, t.mappings}
}

// quoted are the names as statements have them.
func (t tables) quoted() tables {
	quote := func(name string) string { return "`" + name + "`" }
	return tables{quote(t.keyValues), quote(t.tenants), quote(t.sessions), quote(t.users), quote(t.mappings)}
}

// columns are those that are read of each table. Before plugin 4.0 none had an app_id,
// and before 5.0 there was no primary user (its CHANGELOG.md).
func (t tables) columns() map[string][]string {
	return map[string][]string{
		// P, queries/GeneralQueries.java: getQueryToCreateKeyValueTable,
		// getQueryToCreateTenantsTable and getQueryToCreateAppIdToUserIdTable
		t.keyValues: {"app_id", "tenant_id", "name", "value"},
		t.tenants:   {"app_id", "tenant_id"},
		t.users:     {"app_id", "user_id", "primary_or_recipe_user_id"},
		// P, queries/SessionQueries.java:44 to 52
		t.sessions: {
			"app_id", "tenant_id", "session_handle", "user_id", "refresh_token_hash_2",
			"session_data", "expires_at", "created_at_time", "jwt_user_payload",
		},
		// M, getQueryToCreateUserIdMappingTable
		t.mappings: {"app_id", "supertokens_user_id", "external_user_id"},
	}
}

// checkColumns refuses a database whose tables cannot be the core's, or are too old: a
// core of before would give each session to no app, and linked accounts to two users.
func checkColumns(ctx context.Context, db *sql.DB, names tables) error {
	found, err := columnsIn(ctx, db, names.all())
	if err != nil {
		return err
	}
	for _, table := range names.all() {
		for _, column := range names.columns()[table] {
			if !slices.Contains(found[strings.ToLower(table)], column) {
				return refused("there is no %s.%s, or the account may not read it: "+
					"SuperTokens core 7.0 with its MySQL plugin 5.0 is the oldest that sessions come over from; "+
					"update the core first", table, column)
			}
		}
	}
	return nil
}

// columnsIn returns the columns that the account can read of each table, in lower case:
// servers differ in whether names keep theirs.
func columnsIn(ctx context.Context, db *sql.DB, names []string) (map[string][]string, error) {
	args := make([]any, len(names))
	for n, name := range names {
		args[n] = name
	}
	rows, err := db.QueryContext(ctx, "SELECT LOWER(table_name), LOWER(column_name) FROM information_schema.columns "+ //nolint:gosec // marks only
		"WHERE table_schema = DATABASE() AND table_name IN "+marks(len(names)), args...)
	if err != nil {
		return nil, fmt.Errorf("importsupertokens: looking at the tables: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says
	found := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, fmt.Errorf("importsupertokens: looking at the tables: %w", err)
		}
		found[table] = append(found[table], column)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("importsupertokens: looking at the tables: %w", err)
	}
	return found, nil
}
