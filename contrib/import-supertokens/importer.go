package importsupertokens

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Config names the app and the core's tables. The zero value has the core's defaults.
type Config struct {
	// AppID is the app whose sessions come over, those of all its tenants; default
	// "public".
	AppID string
	// TenantMember is what the payload's member with the tenant is called; default
	// "tId", as in the core's access tokens. A session whose payload has it already, by
	// another spelling such as "tid" too, stays where it is: Go reads both into one
	// field, and a tenant would be what the other says. Choose another name then.
	TenantMember string
	// TablePrefix is mysql_table_names_prefix; default none.
	TablePrefix string
	// KeyValues is mysql_key_value_table_name; default "key_value" after the prefix.
	KeyValues string
	// Sessions is mysql_session_info_table_name; default "session_info" after the
	// prefix.
	Sessions string
}

// Importer reads the sessions of one app. It is a [session.Importer].
type Importer struct {
	db     *sql.DB
	app    string
	member string
	key    string
	tables tables
}

var _ session.Importer = (*Importer)(nil)

// appSyntax is what the core lets an app be called.
var appSyntax = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// New checks the tables and reads the app's key of refresh tokens, which the core makes
// once and never changes. db is a pool for the core's database, by
// github.com/go-sql-driver/mysql; the caller closes it after the Service. The account
// needs SELECT on key_value, tenants, session_info, app_id_to_user_id and
// userid_mapping, and DELETE on session_info.
//
// Errors: [errors.ErrConfig] for a name that is none, for tables that are older than
// core 7.0 with its MySQL plugin 5.0, and where the app has no key; otherwise the
// database's.
func New(ctx context.Context, db *sql.DB, cfg Config) (*Importer, error) {
	app := cmp.Or(cfg.AppID, "public") // T, getAppId
	if !appSyntax.MatchString(app) {
		return nil, refused("%q is no app id", app)
	}
	names, err := namesOf(cfg)
	if err != nil {
		return nil, err
	}
	if err := checkColumns(ctx, db, names); err != nil {
		return nil, err
	}
	i := &Importer{db: db, app: app, member: cmp.Or(cfg.TenantMember, tenantMember), tables: names.quoted()}
	if i.key, err = i.readKey(ctx); err != nil {
		return nil, err
	}
	// Where the key cannot be used, as with FIPS 140-3 enforced, each token would seem
	// to be none.
	if _, err := i.cipher(make([]byte, ivSize)); err != nil {
		return nil, fmt.Errorf("importsupertokens: the core's encryption: %w", err)
	}
	return i, nil
}

// readKey reads the app's key: C, session/refreshToken/RefreshTokenKey.java,
// maybeGenerateNewKeyAndUpdateInDb. It lies under the app's public tenant, whichever
// tenant a session is of (P, Start.java, getRefreshTokenSigningKey_Transaction).
func (i *Importer) readKey(ctx context.Context) (key string, err error) {
	// P, Start.java, REFRESH_TOKEN_KEY_NAME
	row := i.db.QueryRowContext(ctx, "SELECT value FROM "+i.tables.keyValues+ //nolint:gosec // a name that was checked
		" WHERE app_id = ? AND tenant_id = 'public' AND name = 'refresh_token_key'", i.app)
	switch err := row.Scan(&key); {
	case errors.Is(err, sql.ErrNoRows) || err == nil && key == "":
		return "", refused("app %q has no refresh_token_key: is it one of the core's?", i.app)
	case err != nil:
		return "", fmt.Errorf("importsupertokens: reading the key of refresh tokens: %w", err)
	}
	return key, nil
}

// refused is an error of what New was given.
func refused(format string, args ...any) error {
	return errors.WithReason(errors.ErrConfig, fmt.Errorf("importsupertokens: "+format, args...))
}

// String shows no key.
func (i *Importer) String() string { return "importsupertokens.Importer" }

// GoString shows no key.
func (i *Importer) GoString() string { return i.String() }

// beginUnknown stands for the begin of a session that has no row any more: only the row
// says when it was, and nothing is made of such a session.
var beginUnknown = time.UnixMilli(1)

// Import implements [session.Importer]. A session that the core has deleted, or would
// take for expired, has ended. The time for that is this machine's, as it is the core's
// there.
func (i *Importer) Import(ctx context.Context, refreshToken string) (*session.Imported, error) {
	tok, ok := i.open(refreshToken)
	if !ok {
		return nil, nil //nolint:nilnil // as the interface says
	}
	row, known, err := i.find(ctx, tok)
	if err != nil || !known {
		return nil, err
	}
	// Handles are unique in a tenant (P, queries/SessionQueries.java:54).
	old := &session.Imported{
		Handle: i.app + "/" + tok.tenant + "/" + tok.handle, CreatedAt: beginUnknown, UserID: tok.user, Ended: true,
	}
	if row == nil {
		return old, nil
	}
	// The token's user is not compared, nor does the core: the row's is the user.
	if old.UserID, err = i.userOf(ctx, row.user); err != nil {
		return nil, err
	}
	old.CreatedAt = time.UnixMilli(row.created)
	// C, session/Session.java, refreshSessionHelper: this end comes first.
	if row.expires < time.Now().UnixMilli() {
		return old, nil
	}
	old.Ended = false
	old.ExpiresAt = time.UnixMilli(row.expires)
	old.Payload, old.Data = i.payloadOf(row.payload, tok.tenant), json.RawMessage(row.data)
	// There too: the current token, or a child of it, which shows that the client has
	// that; else it is theft.
	old.Replaced = row.hash != hash(hash(tok.text)) && (tok.parent == "" || row.hash != hash(tok.parent))
	return old, nil
}

// DeleteEnded implements [session.Importer], for the sessions of the app; see P,
// queries/SessionQueries.java, deleteAllExpiredSessions.
func (i *Importer) DeleteEnded(ctx context.Context, before time.Time, limit int) (int, error) {
	done, err := i.db.ExecContext(ctx, "DELETE FROM "+i.tables.sessions+" WHERE app_id = ? AND expires_at < ? LIMIT ?", //nolint:gosec // as above
		i.app, before.UnixMilli(), limit)
	if err != nil {
		return 0, fmt.Errorf("importsupertokens: removing ended sessions: %w", err)
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// marks is the list of n parameters of a statement.
func marks(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")" }
