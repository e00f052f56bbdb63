-- The ledger. Amounts are whole minor units of their currency, signed: a debit is positive, a credit negative.
-- What is recorded here is never changed: triggers refuse UPDATE and DELETE, and an entry that does not balance cannot be
-- stored, whoever writes it. The triggers are each engine's own, with the same texts: sqlite/ and postgresql/ beside this file.

-- Numbers of entries, dense and in order of recording. A counter and not a serial: lines are written before the entry.
CREATE TABLE ledger_counter (
  name TEXT PRIMARY KEY,
  last BIGINT NOT NULL
) @CLUSTERED@;
INSERT INTO ledger_counter (name, last) VALUES ('entry', 0);

CREATE TABLE entry (
  id @NUMBER_KEY@,
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  event TEXT NOT NULL,                           -- post | cash | cash:COMPANY | allocation:ID | refund:ID | credit_application:ID | void
  sequence BIGINT NOT NULL,
  company TEXT NOT NULL,
  date TEXT NOT NULL,                            -- posting date
  document_date TEXT NOT NULL,                   -- differs where the month was closed
  currency TEXT NOT NULL,
  base_currency TEXT NOT NULL,
  rate TEXT NOT NULL DEFAULT '',                 -- exact decimal, '' = one currency
  description TEXT NOT NULL DEFAULT '',
  fingerprint TEXT NOT NULL,
  reverses BIGINT REFERENCES entry (id),
  supersedes BIGINT,                             -- the reversed entry this one replaces; no foreign key: it would scan for children
  line_count BIGINT NOT NULL,                    -- 0: an event without lines, said explicitly
  local_id TEXT NOT NULL,
  version TEXT NOT NULL,                         -- of the record that made it
  rules_revision TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  UNIQUE (integration, entity, remote_id, event, sequence)
);
-- At most one reversal of an entry. Without the rows that reverse nothing: a search for "reverses IS NULL" would walk them all.
CREATE UNIQUE INDEX entry_reversed ON entry (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX entry_by_date ON entry (company, date);
CREATE INDEX entry_by_local_id ON entry (local_id);

-- Written before its entry; the reference is checked when the transaction ends.
CREATE TABLE entry_line (
  entry BIGINT NOT NULL REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED,
  position BIGINT NOT NULL,
  account TEXT NOT NULL CHECK (account <> ''),
  base_minor BIGINT NOT NULL,
  document_minor BIGINT,                         -- in entry.currency; NULL: a line in base only
  control TEXT NOT NULL DEFAULT '' CHECK (control IN ('', 'ar', 'credits')),
  party TEXT NOT NULL DEFAULT '',
  location TEXT NOT NULL DEFAULT '',
  service_type TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (entry, position),
  CHECK (base_minor <> 0 OR COALESCE(document_minor, 0) <> 0),
  CHECK (document_minor IS NULL OR (base_minor >= 0 AND document_minor >= 0) OR (base_minor <= 0 AND document_minor <= 0))
) @CLUSTERED@;
CREATE INDEX entry_line_by_account ON entry_line (account, entry);

-- How an entry moves open items, signed as the control account. Written before its entry, like the lines.
CREATE TABLE open_item_match (
  entry BIGINT NOT NULL REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED,
  position BIGINT NOT NULL,
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  local_id TEXT NOT NULL,
  company TEXT NOT NULL,
  customer TEXT NOT NULL,
  currency TEXT NOT NULL,
  control TEXT NOT NULL CHECK (control IN ('ar', 'credits')),
  opens BIGINT NOT NULL CHECK (opens IN (0, 1)), -- 1: makes the item (post, cash), 0: relieves it
  document_minor BIGINT NOT NULL,
  base_minor BIGINT NOT NULL,
  PRIMARY KEY (entry, position)
) @CLUSTERED@;
CREATE INDEX open_item_match_by_item ON open_item_match (integration, entity, remote_id);

-- What is open of a posted document: the sums of its matches. An invoice has a positive open amount, a credit note and
-- the unused part of a payment a negative one.
CREATE TABLE open_item (
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  company TEXT NOT NULL,
  customer TEXT NOT NULL,
  currency TEXT NOT NULL,
  base_currency TEXT NOT NULL,
  control TEXT NOT NULL,
  local_id TEXT NOT NULL,
  number TEXT NOT NULL DEFAULT '',
  posts BIGINT NOT NULL DEFAULT 0,               -- live entries that opened it: 1 while posted
  total_minor BIGINT NOT NULL DEFAULT 0,
  open_minor BIGINT NOT NULL DEFAULT 0,
  base_total_minor BIGINT NOT NULL DEFAULT 0,
  base_open_minor BIGINT NOT NULL DEFAULT 0,     -- carrying base
  -- The id first: SQLite would take a key that begins with the integration for every search by integration and something else.
  PRIMARY KEY (remote_id, entity, integration, company, customer, currency)
) @CLUSTERED@;
CREATE INDEX open_item_by_local_id ON open_item (integration, local_id);
CREATE INDEX open_item_by_customer ON open_item (company, customer, currency);

-- Shares of payments and credit notes that wait for a document; the money stays in customer credits.
CREATE TABLE pending_application (
  integration TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  row_id TEXT NOT NULL,
  awaited TEXT NOT NULL,                         -- invoice/ID
  currency TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  PRIMARY KEY (integration, entity, remote_id, row_id)
);
-- Not the integration first: SQLite would take it for every search by integration and something else.
CREATE INDEX pending_application_by_awaited ON pending_application (awaited, integration);

-- What payouts take out of undeposited funds, payment by payment; refunds are negative.
CREATE TABLE payout_part (
  integration TEXT NOT NULL,
  remote_id TEXT NOT NULL,                       -- of the deposit
  part TEXT NOT NULL,                            -- payment/LOCAL_ID | refund/ID
  company TEXT NOT NULL,
  account TEXT NOT NULL,
  amount_minor BIGINT NOT NULL,
  PRIMARY KEY (part, integration, remote_id)
) @CLUSTERED@;

CREATE TABLE period_lock (
  company TEXT NOT NULL,
  month TEXT NOT NULL,                           -- 2026-05
  closed_ms BIGINT NOT NULL,
  closed_by TEXT NOT NULL,
  PRIMARY KEY (company, month)
) @CLUSTERED@;
