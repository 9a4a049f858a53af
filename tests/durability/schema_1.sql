-- The tables of a ledger of version 1, as they were released; a ledger of version 1 in the tests is made of them.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE run (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('sending', 'paused', 'halted', 'finished')),
  plan_hash TEXT NOT NULL,
  subject_hash TEXT NOT NULL,
  idempotency_key TEXT UNIQUE,
  retry_of TEXT NOT NULL,
  total INTEGER NOT NULL,
  max_rows INTEGER NOT NULL,
  max_bytes INTEGER NOT NULL,
  waited REAL NOT NULL DEFAULT 0,
  stopped TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX run_unfinished ON run (plan_hash) WHERE state <> 'finished';
CREATE TABLE batch (
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run (id),
  lane INTEGER NOT NULL,
  first INTEGER NOT NULL,
  size INTEGER NOT NULL,
  positions BLOB NOT NULL,
  notes BLOB NOT NULL,
  body BLOB NOT NULL,
  checksum BIGINT NOT NULL,
  request_id TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('pending', 'inflight', 'unknown', 'answered', 'split', 'deferred', 'quarantined')),
  parent INTEGER NOT NULL DEFAULT 0,
  root INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  ambiguous INTEGER NOT NULL DEFAULT 0,
  sent_at REAL,
  sent_boot TEXT NOT NULL DEFAULT '',
  sent_wall TEXT NOT NULL DEFAULT '',
  accepted INTEGER NOT NULL DEFAULT 0,
  ids BLOB,
  code TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '');
CREATE INDEX batch_state ON batch (state, run, lane, first);
CREATE INDEX batch_tree ON batch (parent);
CREATE TABLE row (
  run TEXT NOT NULL REFERENCES run (id),
  position INTEGER NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('accepted', 'refused', 'rejected', 'duplicate', 'superseded', 'held', 'deferred')),
  value TEXT NOT NULL,
  type TEXT NOT NULL,
  action TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  notes BLOB NOT NULL,
  payload BLOB,
  PRIMARY KEY (run, position));
CREATE TABLE call (
  id INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  boot TEXT NOT NULL,
  started REAL NOT NULL,
  ended REAL,
  run TEXT NOT NULL,
  batch INTEGER NOT NULL,
  wall TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT '',
  status INTEGER NOT NULL DEFAULT 0,
  target TEXT NOT NULL DEFAULT '');
CREATE INDEX call_window ON call (endpoint, ended);
CREATE INDEX call_run ON call (run);
CREATE TABLE rate (
  endpoint TEXT PRIMARY KEY,
  boot TEXT NOT NULL,
  not_before REAL NOT NULL,
  probing INTEGER NOT NULL,
  pace REAL NOT NULL,
  successes INTEGER NOT NULL,
  throttled_at REAL NOT NULL);
PRAGMA user_version = 1;
