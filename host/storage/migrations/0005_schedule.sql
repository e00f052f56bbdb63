-- When a host looks at an integration next. What could make it due earlier sets the moment to "at once", by triggers, so
-- that nobody forgets it: sqlite/ and postgresql/ beside this file have the same ones.
CREATE TABLE schedule (
  integration TEXT PRIMARY KEY,
  look_at_ms BIGINT NOT NULL DEFAULT 0,          -- 0: at once, before all others
  wakes BIGINT NOT NULL DEFAULT 0,               -- grows with each such event: who decided before it must look again
  declared TEXT NOT NULL DEFAULT '',             -- the schedule of the file, so that another one is noticed
  decided_ms BIGINT NOT NULL DEFAULT 0,          -- when a host set look_at_ms; ahead of now: its clock was wrong
  taken_by TEXT NOT NULL DEFAULT ''              -- which process took it then, to run it; dead: nobody runs it
) @CLUSTERED@;
CREATE INDEX schedule_order ON schedule (look_at_ms, integration);
CREATE INDEX schedule_decided ON schedule (decided_ms, integration);
CREATE INDEX schedule_taken ON schedule (integration) WHERE taken_by <> '';
INSERT INTO schedule (integration) SELECT id FROM integration;

-- A comparison of all ids that missed more records than the deletion brake lets through, until a person has confirmed it or
-- a later one found less.
CREATE TABLE deletion_brake (
  integration TEXT NOT NULL,
  phase TEXT NOT NULL,
  entity TEXT NOT NULL,
  pass BIGINT NOT NULL,                          -- what no listing since this pass has seen is missing
  missing BIGINT NOT NULL,
  alive BIGINT NOT NULL,
  since_ms BIGINT NOT NULL,
  PRIMARY KEY (integration, phase)
) @CLUSTERED@;
