/**
 * Who may do what, and who did: operators, credentials and join tokens as hashes, stores that are
 * revoked or removed, and events that name their actor. Events from before name none.
 */
export const trust = `
CREATE TABLE operators (
  name          TEXT PRIMARY KEY,
  role          TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT;

CREATE TABLE credentials (
  id            TEXT PRIMARY KEY,              -- the first digits of the hash
  kind          TEXT NOT NULL,
  subject       TEXT NOT NULL,                 -- 'store/dcn0', 'operator/alice'
  hash          TEXT NOT NULL UNIQUE,          -- SHA-256; the secret itself is kept nowhere
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT;
CREATE INDEX credentials_by_subject ON credentials (subject, created_at_ms);

CREATE TABLE cutoffs (                         -- certificates from before are void, also those never seen
  subject TEXT PRIMARY KEY,
  at_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE join_tokens (
  hash          TEXT PRIMARY KEY,
  store_id      TEXT NOT NULL REFERENCES stores (id),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  used_at_ms    INTEGER,
  used_by_key   TEXT,
  voided_at_ms  INTEGER,
  CHECK ((used_at_ms IS NULL) = (used_by_key IS NULL))
) STRICT;
CREATE INDEX join_tokens_by_store ON join_tokens (store_id);

ALTER TABLE stores ADD COLUMN revoked_at_ms INTEGER;
ALTER TABLE stores ADD COLUMN removed_at_ms INTEGER;   -- kept as a row: ended jobs and tasks speak of it
DROP INDEX one_central;
CREATE UNIQUE INDEX one_central ON stores (role) WHERE role = 'central' AND removed_at_ms IS NULL;

ALTER TABLE events ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN peer TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN outcome TEXT NOT NULL DEFAULT 'done';
CREATE INDEX events_by_time ON events (at_ms);
CREATE INDEX events_by_store ON events (store_id, sequence) WHERE store_id IS NOT NULL;
CREATE INDEX events_by_actor ON events (actor, sequence);
`;
