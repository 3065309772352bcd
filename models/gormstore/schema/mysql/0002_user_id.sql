-- User ids of 255 bytes, as OpenID Connect allows. The length takes one byte before
-- and after, so InnoDB changes nothing but the definition: no row is copied, and
-- sessions are read and written meanwhile. Again, it changes nothing.
ALTER TABLE {sessions} MODIFY user_id VARBINARY(255) NOT NULL;

UPDATE {meta} SET value = 2 WHERE name = 'schema_version' AND value < 2;
