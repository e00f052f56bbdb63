-- Everything that is not the ledger. Times are milliseconds since 1970 UTC, JSON is text, bodies are zstd-compressed bytes.
-- The SQL of migrations keeps to what SQLite and PostgreSQL share; the engine replaces
-- the words between @: @CLUSTERED@ stores a table in the order of its primary key, without a row id of its own.

-- An integration: declared by the file (origin 'file') or made by REST, console or a link (origin 'api').
CREATE TABLE integration (
  id TEXT PRIMARY KEY,
  plugin TEXT NOT NULL,
  company TEXT NOT NULL,
  tenant TEXT NOT NULL,
  environment TEXT NOT NULL,
  mode TEXT NOT NULL,
  origin TEXT NOT NULL,
  settings_json TEXT NOT NULL DEFAULT '{}',      -- declaration of one made by REST
  desired TEXT NOT NULL DEFAULT 'enabled',       -- enabled | paused | disabled
  actual TEXT NOT NULL DEFAULT 'pending',        -- pending | authorizing | initial_sync | setup_incomplete | connected | ...
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  who_acts TEXT NOT NULL DEFAULT '',
  since_ms BIGINT NOT NULL DEFAULT 0,
  next_attempt_ms BIGINT NOT NULL DEFAULT 0,     -- 0: none planned
  name TEXT NOT NULL DEFAULT '',                 -- of the remote organisation
  remote_id TEXT NOT NULL DEFAULT '',            -- of the remote organisation
  organization_json TEXT NOT NULL DEFAULT '{}',  -- currency, time zone, fiscal year start, all organisations seen
  created_ms BIGINT NOT NULL,
  connected_ms BIGINT NOT NULL DEFAULT 0,
  last_sync_ms BIGINT NOT NULL DEFAULT 0,        -- end of the last run in which every phase ended well
  backfill_floor_ms BIGINT NOT NULL DEFAULT 0    -- 0: no floor
);

CREATE INDEX integration_by_remote_id ON integration (remote_id);

-- Who runs an integration now. Every commit of a run checks the fencing number.
CREATE TABLE lease (
  integration TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  fencing BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
) @CLUSTERED@;

-- The hosts that serve this database, or did so a short time ago. Told by each of them every few seconds; nothing is decided by it.
CREATE TABLE host (
  owner TEXT PRIMARY KEY,                        -- the first three parts of its leases' owner
  state TEXT NOT NULL,                           -- serving | draining
  address TEXT NOT NULL,                         -- of its REST API
  clock_ahead_ms BIGINT NOT NULL,                -- of the time that all agree on
  started_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL                     -- gone, if nothing was heard of it until then
) @CLUSTERED@;

CREATE TABLE run (
  id TEXT PRIMARY KEY,
  integration TEXT NOT NULL,
  trigger_kind TEXT NOT NULL,                    -- schedule | command | api | connect
  phases_json TEXT NOT NULL,
  started_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT 'running',       -- running | succeeded | nothing_changed | incomplete | rate_limited | failed | crashed | cancelled
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  report_json TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX run_by_integration ON run (integration, started_ms);

-- Work asked for while another process holds the lease; taken by the holder after its slice.
CREATE TABLE command (
  id @SERIAL@,
  integration TEXT NOT NULL,
  kind TEXT NOT NULL,                            -- sync | apply | retry
  argument_json TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

-- Where a phase stands, one row per plan mode.
CREATE TABLE phase_cursor (
  integration TEXT NOT NULL,
  phase TEXT NOT NULL,
  mode TEXT NOT NULL,
  cursor_json TEXT NOT NULL,
  pass BIGINT NOT NULL DEFAULT 0,                -- number of the pass under way or of the last one; grows over the integration
  under_way BIGINT NOT NULL DEFAULT 0,
  has_rows BIGINT NOT NULL DEFAULT 0,            -- whether the pass under way has seen any row
  passes_complete BIGINT NOT NULL DEFAULT 0,
  last_complete_ms BIGINT NOT NULL DEFAULT 0,
  last_started_ms BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (integration, phase, mode)
) @CLUSTERED@;

-- The history of an integration that is pulled behind its changes; no row: it has none. One row a list that is read for it.
CREATE TABLE backfill (
  integration TEXT PRIMARY KEY,
  began_ms BIGINT NOT NULL DEFAULT 0,
  done_ms BIGINT NOT NULL DEFAULT 0
) @CLUSTERED@;
CREATE TABLE backfill_list (
  integration TEXT NOT NULL,
  phase TEXT NOT NULL,
  from_ms BIGINT NOT NULL DEFAULT 0,             -- the window that is read, or comes next
  to_ms BIGINT NOT NULL DEFAULT 0,               -- 0: the whole list
  expected BIGINT NOT NULL DEFAULT -1,           -- documents that the remote said it has; -1: it has not
  listed BIGINT NOT NULL DEFAULT 0,
  in_window BIGINT NOT NULL DEFAULT 0,
  done_ms BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (integration, phase)
) @CLUSTERED@;

-- What an integration is expected to need, as the run engine last computed it.
CREATE TABLE forecast (
  integration TEXT PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  forecast_json TEXT NOT NULL
) @CLUSTERED@;

-- One remote document.
CREATE TABLE record (
  id @SERIAL@,
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  row_version TEXT NOT NULL DEFAULT '',          -- version of the newest list row
  row_fetched_ms BIGINT NOT NULL DEFAULT 0,
  row_settled BIGINT NOT NULL DEFAULT 0,         -- 0: may have changed once more under the same version
  detail_version TEXT NOT NULL DEFAULT '',       -- version of the newest detail; '' = no detail
  detail_fetched_ms BIGINT NOT NULL DEFAULT 0,
  detail_settled BIGINT NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'pending',         -- pending | posted | parked | ignored | skipped | failed | archived
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  detail_json TEXT NOT NULL DEFAULT '{}',        -- waits_for, warnings, flags, attention, remote error, live fields
  local_id TEXT NOT NULL DEFAULT '',             -- of the row or document it became
  rules_revision TEXT NOT NULL DEFAULT '',
  document_hash TEXT NOT NULL DEFAULT '',        -- of the canonical document last applied
  remote_state TEXT NOT NULL DEFAULT 'alive',    -- alive | suspect | deleted
  seen_pass BIGINT NOT NULL DEFAULT 0,
  captured BIGINT NOT NULL DEFAULT 0,            -- order of capture: id of the version that last made it pending
  state_since_ms BIGINT NOT NULL DEFAULT 0,
  UNIQUE (integration, entity, remote_id)
);
CREATE INDEX record_by_state ON record (integration, state, entity, captured);

-- Records that a person has archived. They stay so, whatever the remote says of them, until a person takes it back.
CREATE TABLE archived_by_hand (
  record BIGINT PRIMARY KEY REFERENCES record (id),
  actor TEXT NOT NULL,
  why TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  captured BIGINT NOT NULL                       -- that of the record then: a later one has come since
) @CLUSTERED@;

-- Documents whose list row is all that is known of them, because their operator pulls no more (`pull: reduced`).
CREATE TABLE reduced_record (
  record BIGINT PRIMARY KEY REFERENCES record (id),
  integration TEXT NOT NULL,
  entity TEXT NOT NULL
) @CLUSTERED@;
CREATE INDEX reduced_record_by_entity ON reduced_record (integration, entity, record);

-- Every answer that was ever received for it. kind: row | detail | part:NAME
CREATE TABLE record_version (
  id @SERIAL@,
  record BIGINT NOT NULL REFERENCES record (id),
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  body @BLOB@ NOT NULL,                          -- zstd
  fetched_ms BIGINT NOT NULL
);
CREATE INDEX record_version_by_record ON record_version (record, kind, id);

-- Named things a record waits for: "customer/46…", "account/payment_mode/Stripe/acme_us".
CREATE TABLE waiting (
  -- SQLite 3.40 reports values as missing where a clustered table does not begin with the columns of its key.
  record BIGINT NOT NULL REFERENCES record (id),
  awaited TEXT NOT NULL,
  integration TEXT NOT NULL,
  PRIMARY KEY (record, awaited)
) @CLUSTERED@;
CREATE INDEX waiting_by_awaited ON waiting (integration, awaited);

-- Values one entity's documents offer to rows of another.
CREATE TABLE offer (
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  offered_ms BIGINT NOT NULL,
  PRIMARY KEY (integration, entity, remote_id, name)
) @CLUSTERED@;

-- Documents and files still to fetch. want: 1 detail, 2 attachments.
CREATE TABLE detail_queue (
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  want BIGINT NOT NULL,
  version TEXT NOT NULL DEFAULT '',
  priority BIGINT NOT NULL DEFAULT 0,
  forced BIGINT NOT NULL DEFAULT 0,
  attempts BIGINT NOT NULL DEFAULT 0,
  cause TEXT NOT NULL DEFAULT '',                -- list | reference | forced | webhook | backfill | confirm_deletion | confirm_deletion_asked
  position @SERIAL_COLUMN@,
  last_error_json TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (integration, entity, remote_id, want)
) @CLUSTERED@;
CREATE INDEX detail_queue_order ON detail_queue (integration, entity, priority DESC, position);
CREATE INDEX detail_queue_position ON detail_queue (position);

-- References already fetched once because a document named them.
CREATE TABLE reference_fetch (
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  asked_ms BIGINT NOT NULL,
  PRIMARY KEY (integration, entity, remote_id)
) @CLUSTERED@;

CREATE TABLE blob (
  hash TEXT PRIMARY KEY,
  size BIGINT NOT NULL,
  body @BLOB@ NOT NULL
);
CREATE TABLE attachment (
  record BIGINT NOT NULL REFERENCES record (id),
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  hash TEXT NOT NULL REFERENCES blob (hash),
  version TEXT NOT NULL,
  PRIMARY KEY (record, name)
) @CLUSTERED@;

-- Rows of these books: customers, vendors, items, classifications and their lines; also the local identity of posted
-- documents (kind invoice, customer_payment, credit_note).
CREATE TABLE local_row (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL DEFAULT '',                -- classification of a line, 'service_line' of an item made from one
  name TEXT NOT NULL DEFAULT '',
  company TEXT NOT NULL DEFAULT '',
  integration TEXT NOT NULL DEFAULT '',
  remote_id TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'open',            -- of a document: open | void | deleted
  active BIGINT NOT NULL DEFAULT 1,
  document_json TEXT NOT NULL DEFAULT '{}',
  created_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX local_row_remote ON local_row (kind, integration, remote_id) WHERE remote_id <> '';
CREATE INDEX local_row_name ON local_row (kind, scope, name);

-- (integration, kind, key, company) -> account. account '' = a placeholder that a person must map.
CREATE TABLE account_row (
  integration TEXT NOT NULL,
  kind TEXT NOT NULL,                            -- default_income | default_expense | payment_mode | tax | zoho_account | service_line | role
  row_key TEXT NOT NULL,                         -- '-' for no key; payment modes without case and blanks
  company TEXT NOT NULL,
  label TEXT NOT NULL,                           -- the key as first seen
  account TEXT NOT NULL DEFAULT '',
  origin TEXT NOT NULL,                          -- file | person | seen
  created_ms BIGINT NOT NULL,
  mapped_ms BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (integration, kind, row_key, company)
) @CLUSTERED@;

CREATE TABLE mapping_revision (
  integration TEXT NOT NULL,
  revision TEXT NOT NULL,                        -- hash of the text
  text TEXT NOT NULL,
  saved_ms BIGINT NOT NULL,
  PRIMARY KEY (integration, revision)
);

-- Envelopes of the vault: the secret sealed with its own key, that key sealed with the master key.
CREATE TABLE secret (
  owner TEXT NOT NULL,                           -- integration id, or '' for the host
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  key_id TEXT NOT NULL,
  sealed_key @BLOB@ NOT NULL,
  sealed_value @BLOB@ NOT NULL,
  updated_ms BIGINT NOT NULL,
  PRIMARY KEY (owner, name)
);

-- Single-use states of authorisations under way, and hashes of codes already sent.
CREATE TABLE oauth_state (
  state_hash TEXT PRIMARY KEY,
  integration TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  context_json TEXT NOT NULL DEFAULT '{}',
  expires_ms BIGINT NOT NULL
);
CREATE TABLE oauth_code_used (
  code_hash TEXT PRIMARY KEY,
  used_ms BIGINT NOT NULL
);

CREATE TABLE quota (
  shared_by TEXT PRIMARY KEY,                    -- plugin and remote organisation
  state_json TEXT NOT NULL,
  updated_ms BIGINT NOT NULL
);

CREATE TABLE plugin_pin (
  plugin TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  pinned_ms BIGINT NOT NULL,
  pinned_by TEXT NOT NULL
);

CREATE TABLE api_token (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,                            -- admin | viewer
  token_hash TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL,
  last_used_ms BIGINT NOT NULL DEFAULT 0,
  revoked_ms BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE audit (
  id @SERIAL@,
  at_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail_json TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
);
