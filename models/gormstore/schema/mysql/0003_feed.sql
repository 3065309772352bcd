-- What later sessions hold: each column has a default, so that code of version 2 goes
-- on beside it. At the end of a row InnoDB adds them without copying one, and sessions
-- are read and written meanwhile. x'' is the empty text that is none under MariaDB's
-- EMPTY_STRING_IS_NULL.
-- Neither MySQL nor SQLite can say "unless it is there" of a column: Migrate takes the
-- error that it is (1060, Duplicate column name) for done.
ALTER TABLE {sessions}
  ADD COLUMN auth_at BIGINT        NOT NULL DEFAULT 0,
  ADD COLUMN amr     VARBINARY(64) NOT NULL DEFAULT x'',
  ADD COLUMN aal     TINYINT       NOT NULL DEFAULT 0,
  ADD COLUMN idle_ms BIGINT        NOT NULL DEFAULT 0,
  ADD COLUMN flags   INT           NOT NULL DEFAULT 0,
  ADD COLUMN label   VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT x'',
  ADD COLUMN origin  VARBINARY(64) NOT NULL DEFAULT x'';

-- What processes tell each other to look at again. The time is this server's, in
-- milliseconds since 1970 UTC; the id is random.
CREATE TABLE IF NOT EXISTS {feed} (
  at      BIGINT         NOT NULL,
  id      BINARY(8)      NOT NULL,
  kind    VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARBINARY(255) NOT NULL,
  owner   VARBINARY(255) NOT NULL DEFAULT x'',
  PRIMARY KEY (at, id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;

-- Whether the feed is on, and until when its cleanup is claimed.
INSERT INTO {meta} (name, value) VALUES ('feed', 0), ('feed_cleanup', 0)
  ON DUPLICATE KEY UPDATE value = value;

UPDATE {meta} SET value = 3 WHERE name = 'schema_version' AND value < 3;
