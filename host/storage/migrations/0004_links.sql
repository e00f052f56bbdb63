-- A person said that a remote thing is one that is here already, such as a customer of another integration. It counts before
-- the row that the remote thing itself became.
CREATE TABLE row_link (
  kind TEXT NOT NULL,                            -- customer
  integration TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  local_row TEXT NOT NULL REFERENCES local_row (id),
  linked_ms BIGINT NOT NULL,
  PRIMARY KEY (kind, integration, remote_id)
) @CLUSTERED@;
