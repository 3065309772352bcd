-- What later sessions hold: each column has a default, so that code of version 2 goes
-- on beside it. No row is written for them.
ALTER TABLE {sessions}
  ADD COLUMN IF NOT EXISTS auth_at BIGINT   NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS amr     BYTEA    NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS aal     SMALLINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS idle_ms BIGINT   NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS flags   INTEGER  NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS label   TEXT     NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS origin  BYTEA    NOT NULL DEFAULT '';

-- What processes tell each other to look at again. The time is this server's, in
-- milliseconds since 1970 UTC; the id is random.
CREATE TABLE IF NOT EXISTS {feed} (
  at      BIGINT NOT NULL,
  id      BYTEA  NOT NULL,
  kind    TEXT   NOT NULL,
  subject BYTEA  NOT NULL,
  owner   BYTEA  NOT NULL DEFAULT '',
  PRIMARY KEY (at, id)
);

-- Whether the feed is on, and until when its cleanup is claimed.
INSERT INTO {meta} (name, value) VALUES ('feed', 0), ('feed_cleanup', 0)
  ON CONFLICT (name) DO NOTHING;

UPDATE {meta} SET value = 3 WHERE name = 'schema_version' AND value < 3;
