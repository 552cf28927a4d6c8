/** Images, copies, stores, jobs, tasks, manifests and the event log. */
export const core = `
CREATE TABLE images (
  id               TEXT PRIMARY KEY,
  status           TEXT NOT NULL,
  name             TEXT NOT NULL,
  visibility       TEXT NOT NULL,
  owner            TEXT NOT NULL,
  protected        INTEGER NOT NULL,
  os_hidden        INTEGER NOT NULL,
  disk_format      TEXT NOT NULL,
  container_format TEXT NOT NULL,
  min_disk_gib     INTEGER NOT NULL,
  min_ram_mib      INTEGER NOT NULL,
  tags             TEXT NOT NULL,            -- JSON array
  properties       TEXT NOT NULL,            -- JSON object
  size_bytes         INTEGER,                -- this and the rest are known together, or none is
  virtual_size_bytes INTEGER,
  data_bytes         INTEGER,
  checksum           TEXT,
  os_hash_algo       TEXT,
  os_hash_value      TEXT,
  root               TEXT REFERENCES manifests (root),
  created_at_ms    INTEGER NOT NULL,
  updated_at_ms    INTEGER NOT NULL,
  CHECK ((root IS NULL) = (size_bytes IS NULL))
) STRICT;
CREATE INDEX images_by_age ON images (created_at_ms DESC, id DESC);
CREATE INDEX images_by_status ON images (status);

CREATE TABLE manifests (
  root  TEXT PRIMARY KEY,
  body  BLOB NOT NULL
) STRICT;

CREATE TABLE stores (
  id           TEXT PRIMARY KEY,
  role         TEXT NOT NULL,
  driver       TEXT,                         -- pinned at the first hello, with fsid and pool (R10)
  fsid         TEXT,
  pool         TEXT,
  last_seen_ms INTEGER,
  CHECK ((driver IS NULL) = (fsid IS NULL) AND (driver IS NULL) = (pool IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_central ON stores (role) WHERE role = 'central';

CREATE TABLE copies (
  image_id       TEXT NOT NULL REFERENCES images (id),
  store_id       TEXT NOT NULL REFERENCES stores (id),
  state          TEXT NOT NULL,
  reason         TEXT,
  verified_root  TEXT,
  verified_at_ms INTEGER,
  updated_at_ms  INTEGER NOT NULL,
  PRIMARY KEY (image_id, store_id),
  CHECK (state <> 'present' OR verified_root IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX copies_by_store ON copies (store_id, state);

CREATE TABLE jobs (
  sequence         INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of arrival (R5)
  id               TEXT NOT NULL UNIQUE,
  image_id         TEXT NOT NULL REFERENCES images (id),
  kind             TEXT NOT NULL,
  spec             TEXT NOT NULL,                       -- JSON
  state            TEXT NOT NULL,
  reason_code      TEXT,
  reason           TEXT,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  requested_by     TEXT NOT NULL,
  request_id       TEXT NOT NULL,
  created_at_ms    INTEGER NOT NULL,
  started_at_ms    INTEGER,
  ended_at_ms      INTEGER
) STRICT;
CREATE INDEX jobs_by_image ON jobs (image_id, sequence);
CREATE INDEX jobs_unended ON jobs (sequence) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX one_running_job_per_image ON jobs (image_id) WHERE state = 'running';

CREATE TABLE tasks (
  id              TEXT PRIMARY KEY,
  job_id          TEXT NOT NULL REFERENCES jobs (id),
  image_id        TEXT NOT NULL REFERENCES images (id),
  store_id        TEXT NOT NULL REFERENCES stores (id),
  kind            TEXT NOT NULL,
  source_store_id TEXT REFERENCES stores (id),
  state           TEXT NOT NULL,
  attempt         INTEGER NOT NULL DEFAULT 0,
  failures        INTEGER NOT NULL DEFAULT 0,
  not_before_ms   INTEGER NOT NULL DEFAULT 0,
  reason_code     TEXT,
  reason          TEXT,
  created_at_ms   INTEGER NOT NULL,
  updated_at_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_by_job ON tasks (job_id);
CREATE INDEX tasks_unended ON tasks (store_id, image_id) WHERE state NOT IN ('done', 'failed');

CREATE TABLE events (
  sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms      INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  image_id   TEXT,
  store_id   TEXT,
  job_id     TEXT,
  task_id    TEXT,
  request_id TEXT,
  detail     TEXT NOT NULL                   -- JSON
) STRICT;
CREATE INDEX events_by_image ON events (image_id, sequence);
CREATE TRIGGER events_are_appended_only BEFORE UPDATE ON events BEGIN SELECT raise(ABORT, 'events are never changed'); END;
`;
