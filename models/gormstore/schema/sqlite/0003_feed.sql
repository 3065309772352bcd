-- What later sessions hold: each column has a default, so that code of version 2 goes
-- on beside it. No row is written for them.
-- Neither MySQL nor SQLite can say "unless it is there" of a column: Migrate takes the
-- error that it is (duplicate column name) for done, as does the shell sqlite3, which
-- prints it and goes on.
ALTER TABLE {sessions} ADD COLUMN auth_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE {sessions} ADD COLUMN amr TEXT NOT NULL DEFAULT '';

ALTER TABLE {sessions} ADD COLUMN aal INTEGER NOT NULL DEFAULT 0;

ALTER TABLE {sessions} ADD COLUMN idle_ms INTEGER NOT NULL DEFAULT 0;

ALTER TABLE {sessions} ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;

ALTER TABLE {sessions} ADD COLUMN label TEXT NOT NULL DEFAULT '';

ALTER TABLE {sessions} ADD COLUMN origin TEXT NOT NULL DEFAULT '';

-- What processes tell each other to look at again. The time is this machine's, in
-- milliseconds since 1970 UTC; the id is random.
CREATE TABLE IF NOT EXISTS {feed} (
  at      INTEGER NOT NULL,
  id      BLOB    NOT NULL,
  kind    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  owner   TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (at, id)
) WITHOUT ROWID;

-- Whether the feed is on, and until when its cleanup is claimed.
INSERT OR IGNORE INTO {meta} (name, value) VALUES ('feed', 0), ('feed_cleanup', 0);

UPDATE {meta} SET value = 3 WHERE name = 'schema_version' AND value < 3;
