-- Ids are VARBINARY: it alone compares byte for byte, trailing spaces included,
-- on MySQL and MariaDB alike and under every connection character set.
-- Times are milliseconds since 1970 UTC; 0 in absolute_expires_at is "none" and
-- in revoked_at "not revoked".
CREATE TABLE IF NOT EXISTS {sessions} ({home column}
  handle              VARBINARY(64)  NOT NULL,
  user_id             VARBINARY(128) NOT NULL,
  refresh_cur_hash    BINARY(32)     NOT NULL,
  refresh_prev_hash   BINARY(32)     NOT NULL,
  refresh_cur_iat     BIGINT         NOT NULL,
  refresh_gen         BIGINT         NOT NULL,
  payload             MEDIUMBLOB     NULL,
  data                MEDIUMBLOB     NULL,
  data_version        BIGINT         NOT NULL,
  created_at          BIGINT         NOT NULL,
  last_used_at        BIGINT         NOT NULL,
  expires_at          BIGINT         NOT NULL,
  absolute_expires_at BIGINT         NOT NULL,
  revoked_at          BIGINT         NOT NULL,
  revoke_reason       VARCHAR(32)  CHARACTER SET ascii   COLLATE ascii_bin   NOT NULL,
  user_agent          VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  ip                  VARCHAR(45)  CHARACTER SET ascii   COLLATE ascii_bin   NOT NULL,
  PRIMARY KEY ({home}handle),
  KEY {sessions_user} ({home}user_id, revoked_at, created_at),
  KEY {sessions_expiry} (expires_at),
  KEY {sessions_end} (absolute_expires_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

-- One key per purpose and period, whoever inserts first.
CREATE TABLE IF NOT EXISTS {keys} (
  id          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  purpose     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  slot        BIGINT      NOT NULL,
  algorithm   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  secret      BLOB        NOT NULL,
  created_at  BIGINT      NOT NULL,
  active_from BIGINT      NOT NULL,
  retire_at   BIGINT      NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY {keys_slot} (purpose, slot),
  KEY {keys_retire} (retire_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

UPDATE {meta} SET value = 1 WHERE name = 'schema_version' AND value < 1;
