package importsupertokens

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// stored is a row of a session.
type stored struct {
	user, hash       string
	expires, created int64
	payload, data    string
}

// find reads a token's row, nil if there is none. known is whether the database has the
// token's tenant, without which it can have no session of it (P,
// queries/SessionQueries.java:55). Names are compared here once more: the server
// compares by the collation that the tables have got.
func (i *Importer) find(ctx context.Context, tok *refreshToken) (row *stored, known bool, err error) {
	var tenant string
	var handle, user, hash, data, payload sql.NullString
	var expires, created sql.NullInt64
	// P, queries/SessionQueries.java, getSessionInfo_Transaction
	err = i.db.QueryRowContext(ctx, "SELECT t.tenant_id, s.session_handle, s.user_id, s.refresh_token_hash_2, s.session_data, "+
		"s.expires_at, s.created_at_time, s.jwt_user_payload FROM "+i.tables.tenants+" t LEFT JOIN "+i.tables.sessions+
		" s ON s.app_id = t.app_id AND s.tenant_id = t.tenant_id AND s.session_handle = ? WHERE t.app_id = ? AND t.tenant_id = ?",
		tok.handle, i.app, tok.tenant).Scan(&tenant, &handle, &user, &hash, &data, &expires, &created, &payload)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("importsupertokens: reading a session: %w", err)
	case tenant != tok.tenant:
		return nil, false, nil
	case handle.String != tok.handle:
		return nil, true, nil
	}
	return &stored{
		user: user.String, hash: hash.String, expires: expires.Int64, created: created.Int64,
		payload: payload.String, data: data.String,
	}, true, nil
}

// tenantMember is the tenant in the core's access tokens, whose payloads have no member
// of that name (C, session/accessToken/AccessToken.java, AccessTokenInfo).
const tenantMember = "tId"

// payloadOf is the session's payload with its tenant, and without iss, which the SDK
// puts into every payload (N, createNewSessionInRequest) and is a name that the kit
// writes itself. What is no object is not the core's, which can write no other (P,
// queries/SessionQueries.java:93): it is passed on as no JSON, which is refused, and so
// is a payload that says in two ways what the tenant is.
func (i *Importer) payloadOf(text, tenant string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil || members == nil {
		return json.RawMessage("no object")
	}
	delete(members, "iss")
	delete(members, tenantMember) // which is no application's
	for name := range members {
		if strings.EqualFold(name, i.member) {
			return json.RawMessage("two tenants")
		}
	}
	quoted, err := json.Marshal(tenant)
	if err != nil {
		return json.RawMessage("no tenant")
	}
	members[i.member] = quoted
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it has to fit a cookie
	if err := enc.Encode(members); err != nil {
		return json.RawMessage("no object")
	}
	return bytes.TrimSpace(b.Bytes())
}
