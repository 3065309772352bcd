package importsupertokens

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// userOf is the user whom the application knows of a row: the primary user of the
// accounts that are linked, by the external id where there is one. The three steps are
// those of C, session/Session.java, createNewSession.
func (i *Importer) userOf(ctx context.Context, stored string) (string, error) {
	account, err := i.lookUp(ctx, i.tables.mappings, "external_user_id", "supertokens_user_id", stored)
	if err != nil {
		return "", err
	}
	// Linking writes this table and all_auth_recipe_users alike (P,
	// queries/GeneralQueries.java, linkAccounts_Transaction); here each user is once.
	primary, err := i.lookUp(ctx, i.tables.users, "user_id", "primary_or_recipe_user_id", account)
	if err != nil {
		return "", err
	}
	return i.lookUp(ctx, i.tables.mappings, "supertokens_user_id", "external_user_id", primary)
}

// lookUp returns what the table has in column to, where it has id in column from; id
// itself if nowhere. ADA is another user than ada, whatever the collation.
func (i *Importer) lookUp(ctx context.Context, table, from, to, id string) (string, error) {
	var found, value string
	err := i.db.QueryRowContext(ctx, "SELECT "+from+", "+to+" FROM "+table+" WHERE app_id = ? AND "+from+" = ?", //nolint:gosec // names of ours
		i.app, id).Scan(&found, &value)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && found != id:
		return id, nil
	case err != nil:
		return "", fmt.Errorf("importsupertokens: reading a user: %w", err)
	}
	return value, nil
}

// batch is how many sessions one statement deletes.
const batch = 500

// RevokeUser implements [session.Importer]: it deletes the rows that Import gives to the
// user, in all tenants and of all accounts that are linked. The core's table has no index
// on user_id, so each call reads all sessions of the app: add one on app_id and user_id
// where they are many. The rows are deleted by their names, so that no others are locked.
func (i *Importer) RevokeUser(ctx context.Context, userID string) error {
	ids, err := i.idsOf(ctx, userID)
	if err != nil || len(ids) == 0 {
		return err
	}
	byTenant, err := i.handlesOf(ctx, ids)
	if err != nil {
		return err
	}
	for tenant, handles := range byTenant {
		for some := range slices.Chunk(handles, batch) {
			args := append([]any{i.app, tenant}, some...)
			if _, err := i.db.ExecContext(ctx, "DELETE FROM "+i.tables.sessions+
				" WHERE app_id = ? AND tenant_id = ? AND session_handle IN "+marks(len(some)), args...); err != nil {
				return fmt.Errorf("importsupertokens: ending sessions: %w", err)
			}
		}
	}
	return nil
}

// idsOf are the ids by which rows can name a user: of each account that is linked, its
// own and its external one. Only those count that Import gives to the very user: an
// external id may be the own id of somebody else, if the application has forced it.
func (i *Importer) idsOf(ctx context.Context, userID string) ([]string, error) {
	ids := map[string]bool{userID: true}
	account, err := i.lookUp(ctx, i.tables.mappings, "external_user_id", "supertokens_user_id", userID)
	if err != nil {
		return nil, err
	}
	accounts, err := i.texts(ctx, "SELECT user_id FROM "+i.tables.users+" WHERE app_id = ? AND primary_or_recipe_user_id IN (?, ?)", //nolint:gosec // names of ours
		i.app, account, userID)
	if err != nil {
		return nil, err
	}
	for _, account := range append(accounts, account) {
		external, err := i.lookUp(ctx, i.tables.mappings, "supertokens_user_id", "external_user_id", account)
		if err != nil {
			return nil, err
		}
		ids[account], ids[external] = true, true
	}
	for id := range maps.Clone(ids) {
		user, err := i.userOf(ctx, id)
		if err != nil {
			return nil, err
		}
		if user != userID {
			delete(ids, id)
		}
	}
	return slices.Collect(maps.Keys(ids)), nil
}

// texts are the values of one column.
func (i *Importer) texts(ctx context.Context, statement string, args ...any) (found []string, err error) {
	rows, err := i.db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("importsupertokens: reading linked accounts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("importsupertokens: reading linked accounts: %w", err)
		}
		found = append(found, text)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("importsupertokens: reading linked accounts: %w", err)
	}
	return found, nil
}

// handlesOf are the handles of the sessions that have one of the ids, by tenant.
func (i *Importer) handlesOf(ctx context.Context, ids []string) (map[string][]any, error) {
	args := []any{i.app}
	for _, id := range ids {
		args = append(args, id)
	}
	rows, err := i.db.QueryContext(ctx, "SELECT tenant_id, session_handle, user_id FROM "+i.tables.sessions+ //nolint:gosec // names of ours
		" WHERE app_id = ? AND user_id IN "+marks(len(ids)), args...)
	if err != nil {
		return nil, fmt.Errorf("importsupertokens: reading a user's sessions: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says
	byTenant := map[string][]any{}
	for rows.Next() {
		var tenant, handle, user string
		if err := rows.Scan(&tenant, &handle, &user); err != nil {
			return nil, fmt.Errorf("importsupertokens: reading a user's sessions: %w", err)
		}
		if slices.Contains(ids, user) {
			byTenant[tenant] = append(byTenant[tenant], handle)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("importsupertokens: reading a user's sessions: %w", err)
	}
	return byTenant, nil
}
