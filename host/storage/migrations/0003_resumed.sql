-- When a person last let the integration run (resume, enable): crashes before that do not count against it.
ALTER TABLE integration ADD COLUMN resumed_ms BIGINT NOT NULL DEFAULT 0;
