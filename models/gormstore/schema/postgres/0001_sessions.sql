-- Ids are BYTEA: they compare byte for byte in a database of any encoding, and
-- an id with a byte that no text can hold is just not found.
-- Times are milliseconds since 1970 UTC; 0 in absolute_expires_at is "none" and
-- in revoked_at "not revoked".
CREATE TABLE IF NOT EXISTS {sessions} (
  handle              BYTEA  NOT NULL PRIMARY KEY,
  user_id             BYTEA  NOT NULL,
  refresh_cur_hash    BYTEA  NOT NULL,
  refresh_prev_hash   BYTEA  NOT NULL,
  refresh_cur_iat     BIGINT NOT NULL,
  refresh_gen         BIGINT NOT NULL,
  payload             BYTEA,
  data                BYTEA,
  data_version        BIGINT NOT NULL,
  created_at          BIGINT NOT NULL,
  last_used_at        BIGINT NOT NULL,
  expires_at          BIGINT NOT NULL,
  absolute_expires_at BIGINT NOT NULL,
  revoked_at          BIGINT NOT NULL,
  revoke_reason       TEXT   NOT NULL,
  user_agent          TEXT   NOT NULL,
  ip                  TEXT   NOT NULL
);

CREATE INDEX IF NOT EXISTS {sessions_user} ON {sessions} (user_id, revoked_at, created_at);

CREATE INDEX IF NOT EXISTS {sessions_expiry} ON {sessions} (expires_at);

CREATE INDEX IF NOT EXISTS {sessions_end} ON {sessions} (absolute_expires_at) WHERE absolute_expires_at > 0;

-- One key per purpose and period, whoever inserts first.
CREATE TABLE IF NOT EXISTS {keys} (
  id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  purpose     TEXT COLLATE "C" NOT NULL,
  slot        BIGINT NOT NULL,
  algorithm   TEXT   NOT NULL,
  secret      BYTEA  NOT NULL,
  created_at  BIGINT NOT NULL,
  active_from BIGINT NOT NULL,
  retire_at   BIGINT NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS {keys_slot} ON {keys} (purpose, slot);

CREATE INDEX IF NOT EXISTS {keys_retire} ON {keys} (retire_at);

UPDATE {meta} SET value = 1 WHERE name = 'schema_version' AND value < 1;
