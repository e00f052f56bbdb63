-- The triggers that wake an integration; sqlite/ has the same.

CREATE FUNCTION schedule_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO schedule (integration) VALUES (NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER schedule_made AFTER INSERT ON integration FOR EACH ROW EXECUTE FUNCTION schedule_made();

CREATE FUNCTION schedule_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM schedule WHERE integration = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER schedule_gone AFTER DELETE ON integration FOR EACH ROW EXECUTE FUNCTION schedule_gone();

-- What a person did: paused, resumed, connected, declared anew. What a run writes of itself counts when the run has ended.
CREATE FUNCTION schedule_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schedule SET look_at_ms = 0, wakes = wakes + 1 WHERE integration = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER schedule_changed AFTER UPDATE OF desired, connected_ms, resumed_ms, remote_id, plugin, settings_json, actual, next_attempt_ms ON integration
FOR EACH ROW WHEN (NEW.desired <> OLD.desired OR NEW.connected_ms <> OLD.connected_ms OR NEW.resumed_ms <> OLD.resumed_ms OR NEW.remote_id <> OLD.remote_id
  OR NEW.plugin <> OLD.plugin OR NEW.settings_json <> OLD.settings_json OR (OLD.actual = 'needs_reauth' AND NEW.actual <> 'needs_reauth')
  OR NEW.next_attempt_ms < OLD.next_attempt_ms)
EXECUTE FUNCTION schedule_changed();

CREATE FUNCTION schedule_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schedule SET look_at_ms = 0, wakes = wakes + 1 WHERE integration = NEW.integration;
  RETURN NULL;
END $$;
CREATE TRIGGER schedule_asked AFTER INSERT ON command FOR EACH ROW EXECUTE FUNCTION schedule_asked();

-- Behind those that have waited longer: one that is always due must not keep the others away.
CREATE FUNCTION schedule_run_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schedule SET look_at_ms = CASE WHEN look_at_ms < NEW.ended_ms THEN look_at_ms ELSE NEW.ended_ms END, wakes = wakes + 1
    WHERE integration = NEW.integration;
  RETURN NULL;
END $$;
CREATE TRIGGER schedule_run_ended AFTER UPDATE OF outcome ON run FOR EACH ROW WHEN (OLD.outcome = 'running' AND NEW.outcome <> 'running')
EXECUTE FUNCTION schedule_run_ended();

-- Who asked for a run and was told that another one is under way need not wait.
CREATE FUNCTION schedule_lease_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schedule SET look_at_ms = 0, wakes = wakes + 1
    WHERE integration = NEW.integration AND EXISTS (SELECT 1 FROM command WHERE integration = NEW.integration AND kind = 'sync');
  RETURN NULL;
END $$;
CREATE TRIGGER schedule_lease_free AFTER UPDATE OF owner ON lease FOR EACH ROW WHEN (NEW.owner = '' AND OLD.owner <> '')
EXECUTE FUNCTION schedule_lease_free();
