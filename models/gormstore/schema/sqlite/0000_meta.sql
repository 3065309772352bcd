-- The version of the schema, and until when a cleanup is claimed: one row each.
CREATE TABLE IF NOT EXISTS {meta} (
  name  TEXT    NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;

INSERT OR IGNORE INTO {meta} (name, value) VALUES ('schema_version', 0), ('cleanup', 0);
