package importsupertokens

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/go-sql-driver/mysql"

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
	err := i.db.QueryRowContext(ctx, "SELECT "+from+", "+to+" FROM "+table+" WHERE app_id = ? AND "+from+" = ?",
		i.app, id).Scan(&found, &value)
	switch {
	case errors.Is(err, sql.ErrNoRows) || cannotHold(err) || err == nil && found != id:
		return id, nil
	case err != nil:
		return "", fmt.Errorf("importsupertokens: reading a user: %w", err)
	}
	return value, nil
}

// cannotHold reports whether a statement failed because an id has characters that the
// table's encoding has not, such as latin1, so that nothing in it can be that id.
func cannotHold(err error) bool {
	const mixOfCollations = 1267
	answer, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && answer.Number == mixOfCollations
}

// batch is how many sessions one statement deletes.
const batch = 500

// RevokeUser implements [session.Importer]: it deletes the rows that Import gives to
// the user, in all tenants and of all accounts that are linked. The core's table has no
// index on user_id, so each call reads all sessions of the app for each id: add one on
// app_id and user_id where they are many. The rows are deleted by their names, so that
// no others are locked.
func (i *Importer) RevokeUser(ctx context.Context, userID string) error {
	ids, err := i.idsOf(ctx, userID)
	if err != nil {
		return err
	}
	byTenant := map[string][]any{}
	for _, id := range ids {
		if err := i.addHandles(ctx, byTenant, id); err != nil {
			return err
		}
	}
	for tenant, handles := range byTenant {
		for some := range slices.Chunk(handles, batch) {
			args := append([]any{i.app, tenant}, some...)
			if _, err := i.db.ExecContext(ctx, "DELETE FROM "+i.tables.sessions+ //nolint:gosec // names of ours, and marks
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
	accounts := []string{account}
	for _, primary := range slices.Compact([]string{account, userID}) {
		linked, err := i.linkedTo(ctx, primary)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, linked...)
	}
	for _, account := range accounts {
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

// linkedTo are the accounts of a primary user.
func (i *Importer) linkedTo(ctx context.Context, primary string) (accounts []string, err error) {
	rows, err := i.db.QueryContext(ctx, "SELECT user_id FROM "+i.tables.users+" WHERE app_id = ? AND primary_or_recipe_user_id = ?", //nolint:gosec // names of ours
		i.app, primary)
	if cannotHold(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("importsupertokens: reading linked accounts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says
	for rows.Next() {
		var account string
		if err := rows.Scan(&account); err != nil {
			return nil, fmt.Errorf("importsupertokens: reading linked accounts: %w", err)
		}
		accounts = append(accounts, account)
	}
	if err := rows.Err(); err != nil && !cannotHold(err) {
		return nil, fmt.Errorf("importsupertokens: reading linked accounts: %w", err)
	}
	return accounts, nil
}

// addHandles adds the handles of the sessions that have an id, by tenant.
func (i *Importer) addHandles(ctx context.Context, byTenant map[string][]any, id string) error {
	rows, err := i.db.QueryContext(ctx, "SELECT tenant_id, session_handle, user_id FROM "+i.tables.sessions+ //nolint:gosec // names of ours
		" WHERE app_id = ? AND user_id = ?", i.app, id)
	if cannotHold(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("importsupertokens: reading a user's sessions: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says
	for rows.Next() {
		var tenant, handle, user string
		if err := rows.Scan(&tenant, &handle, &user); err != nil {
			return fmt.Errorf("importsupertokens: reading a user's sessions: %w", err)
		}
		if user == id {
			byTenant[tenant] = append(byTenant[tenant], handle)
		}
	}
	if err := rows.Err(); err != nil && !cannotHold(err) {
		return fmt.Errorf("importsupertokens: reading a user's sessions: %w", err)
	}
	return nil
}
