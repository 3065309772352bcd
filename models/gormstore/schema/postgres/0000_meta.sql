-- The version of the schema, and until when a cleanup is claimed: one row each.
CREATE TABLE IF NOT EXISTS {meta} (
  name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);

INSERT INTO {meta} (name, value) VALUES ('schema_version', 0), ('cleanup', 0)
  ON CONFLICT (name) DO NOTHING;
