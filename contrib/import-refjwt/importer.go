package importrefjwt

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

// Config names the library's tables. The zero value has its defaults.
type Config struct {
	// SigningKeys is mysql.tables.signingKey; default "signing_key".
	SigningKeys string
	// RefreshTokens is mysql.tables.refreshTokens; default "refresh_token".
	RefreshTokens string
}

// Importer reads the library's sessions. It is a [session.Importer].
type Importer struct {
	db    *sql.DB
	key   string
	table string
}

var _ session.Importer = (*Importer)(nil)

// tableSyntax is a name that needs no more than backticks around it.
var tableSyntax = regexp.MustCompile(`^[A-Za-z0-9_$]{1,64}$`)

// New reads the key of refresh tokens, which the library makes once and never changes.
// db is a pool for the library's database, by github.com/go-sql-driver/mysql; the
// caller closes it after the Service. The account needs SELECT on both tables, and
// DELETE on that of the refresh tokens.
//
// Errors: [errors.ErrConfig] for a name that is none, and where there is no key;
// otherwise the database's.
func New(ctx context.Context, db *sql.DB, cfg Config) (*Importer, error) {
	keys, tokens := cmp.Or(cfg.SigningKeys, "signing_key"), cmp.Or(cfg.RefreshTokens, "refresh_token")
	for _, name := range []string{keys, tokens} {
		if !tableSyntax.MatchString(name) {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("importrefjwt: %q is no name of a table", name))
		}
	}
	i := &Importer{db: db, table: "`" + tokens + "`"}
	// refreshToken.ts, REFRESH_TOKEN_KEY_NAME_IN_DB
	row := db.QueryRowContext(ctx, "SELECT key_value FROM `"+keys+"` WHERE key_name = 'refresh_token_key'") //nolint:gosec // a name that was checked
	switch err := row.Scan(&i.key); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, errors.WithReason(errors.ErrConfig, errors.New("importrefjwt: the table of signing keys has no refresh_token_key: is it the library's?"))
	case err != nil:
		return nil, fmt.Errorf("importrefjwt: reading the key of refresh tokens: %w", err)
	}
	return i, nil
}

// String shows no key.
func (i *Importer) String() string { return "importrefjwt.Importer" }

// GoString shows no key.
func (i *Importer) GoString() string { return i.String() }

// Import implements [session.Importer]. A session that the library has deleted, or
// would take for expired, has ended. A user id that is a number there is its text here.
func (i *Importer) Import(ctx context.Context, refreshToken string) (*session.Imported, error) {
	tok, ok := i.open(refreshToken)
	if !ok {
		return nil, nil //nolint:nilnil // as the interface says
	}
	old := &session.Imported{Handle: tok.handle, CreatedAt: tok.created, UserID: tok.user, Ended: true}
	row, err := i.find(ctx, tok.handle)
	if err != nil {
		return nil, err
	}
	// session.ts, refreshSessionHelper: these three ends come first, in this order.
	if row == nil || row.expires < time.Now().UnixMilli() || row.user != tok.storedUser {
		return old, nil
	}
	old.Ended = false
	old.ExpiresAt = time.UnixMilli(row.expires)
	old.Payload, old.Data = row.payload, row.data
	// The current token, or a child of it, which shows that the client has that.
	old.Replaced = row.hash != hash(hash(tok.text)) && (tok.parent == "" || row.hash != hash(tok.parent))
	return old, nil
}

// stored is a row of the refresh tokens.
type stored struct {
	user, hash    string
	expires       int64
	payload, data json.RawMessage
}

// find reads a row, or nil. Names are compared here once more: the server compares by
// the collation that the table has got.
func (i *Importer) find(ctx context.Context, handle string) (*stored, error) {
	var r stored
	var found string
	var payload, data sql.NullString
	// helpers/dbQueries.ts, getSessionObject_Transaction
	err := i.db.QueryRowContext(ctx, "SELECT session_handle, user_id, refresh_token_hash_2, session_info, expires_at, jwt_user_payload FROM "+
		i.table+" WHERE session_handle = ?", handle).Scan(&found, &r.user, &r.hash, &data, &r.expires, &payload)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && found != handle:
		return nil, nil //nolint:nilnil // no row is no error
	case err != nil:
		return nil, fmt.Errorf("importrefjwt: reading a session: %w", err)
	}
	// helpers/dbQueries.ts, unserializeSessionInfo: an empty text is undefined.
	r.payload, r.data = json.RawMessage(payload.String), json.RawMessage(data.String)
	return &r, nil
}

// batch is how many sessions one statement deletes.
const batch = 500

// RevokeUser implements [session.Importer]: it deletes the user's rows, as the
// library's revokeAllSessionsForUser does. The library's table has no index on user_id,
// so each call reads all of it: add one where it is large. The rows are deleted by
// their names, so that no others are locked.
func (i *Importer) RevokeUser(ctx context.Context, userID string) error {
	handles, err := i.handlesOf(ctx, userID)
	if err != nil {
		return err
	}
	for len(handles) > 0 {
		some := handles[:min(len(handles), batch)]
		handles = handles[len(some):]
		marks := strings.TrimSuffix(strings.Repeat("?,", len(some)), ",")
		if _, err := i.db.ExecContext(ctx, "DELETE FROM "+i.table+" WHERE session_handle IN ("+marks+")", some...); err != nil { //nolint:gosec // marks only
			return fmt.Errorf("importrefjwt: ending sessions: %w", err)
		}
	}
	return nil
}

func (i *Importer) handlesOf(ctx context.Context, userID string) (handles []any, err error) {
	asNumber := storedNumber(userID)
	rows, err := i.db.QueryContext(ctx, "SELECT session_handle, user_id FROM "+i.table+" WHERE user_id IN (?, ?)", userID, asNumber) //nolint:gosec // as above
	if err != nil {
		return nil, fmt.Errorf("importrefjwt: reading a user's sessions: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says
	for rows.Next() {
		var handle, user string
		if err := rows.Scan(&handle, &user); err != nil {
			return nil, fmt.Errorf("importrefjwt: reading a user's sessions: %w", err)
		}
		if user == userID || user == asNumber {
			handles = append(handles, handle)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("importrefjwt: reading a user's sessions: %w", err)
	}
	return handles, nil
}

// DeleteEnded implements [session.Importer]; see helpers/dbQueries.ts,
// deleteAllExpiredSessions.
func (i *Importer) DeleteEnded(ctx context.Context, before time.Time, limit int) (int, error) {
	done, err := i.db.ExecContext(ctx, "DELETE FROM "+i.table+" WHERE expires_at <= ? LIMIT ?", before.UnixMilli(), limit) //nolint:gosec // as above
	if err != nil {
		return 0, fmt.Errorf("importrefjwt: removing ended sessions: %w", err)
	}
	n, err := done.RowsAffected()
	return int(n), err
}
