-- User ids of 255 bytes, as OpenID Connect allows: the column has no limit here.
UPDATE {meta} SET value = 2 WHERE name = 'schema_version' AND value < 2;
