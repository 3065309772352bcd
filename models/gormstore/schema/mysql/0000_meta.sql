-- The version of the schema, and until when a cleanup is claimed: one row each.
CREATE TABLE IF NOT EXISTS {meta} (
  name  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB;

INSERT INTO {meta} (name, value) VALUES ('schema_version', 0), {cleanup rows}
  ON DUPLICATE KEY UPDATE value = value;
