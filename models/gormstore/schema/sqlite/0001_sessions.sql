-- Text compares byte for byte here. Times are milliseconds since 1970 UTC; 0 in
-- absolute_expires_at is "none" and in revoked_at "not revoked".
CREATE TABLE IF NOT EXISTS {sessions} (
  handle              TEXT    NOT NULL PRIMARY KEY,
  user_id             TEXT    NOT NULL,
  refresh_cur_hash    BLOB    NOT NULL,
  refresh_prev_hash   BLOB    NOT NULL,
  refresh_cur_iat     INTEGER NOT NULL,
  refresh_gen         INTEGER NOT NULL,
  payload             BLOB,
  data                BLOB,
  data_version        INTEGER NOT NULL,
  created_at          INTEGER NOT NULL,
  last_used_at        INTEGER NOT NULL,
  expires_at          INTEGER NOT NULL,
  absolute_expires_at INTEGER NOT NULL,
  revoked_at          INTEGER NOT NULL,
  revoke_reason       TEXT    NOT NULL,
  user_agent          TEXT    NOT NULL,
  ip                  TEXT    NOT NULL
);

CREATE INDEX IF NOT EXISTS {sessions_user} ON {sessions} (user_id, revoked_at, created_at);

CREATE INDEX IF NOT EXISTS {sessions_expiry} ON {sessions} (expires_at);

CREATE INDEX IF NOT EXISTS {sessions_end} ON {sessions} (absolute_expires_at) WHERE absolute_expires_at > 0;

-- One key per purpose and period, whoever inserts first.
CREATE TABLE IF NOT EXISTS {keys} (
  id          TEXT    NOT NULL PRIMARY KEY,
  purpose     TEXT    NOT NULL,
  slot        INTEGER NOT NULL,
  algorithm   TEXT    NOT NULL,
  secret      BLOB    NOT NULL,
  created_at  INTEGER NOT NULL,
  active_from INTEGER NOT NULL,
  retire_at   INTEGER NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS {keys_slot} ON {keys} (purpose, slot);

CREATE INDEX IF NOT EXISTS {keys_retire} ON {keys} (retire_at);

UPDATE {meta} SET value = 1 WHERE name = 'schema_version' AND value < 1;
