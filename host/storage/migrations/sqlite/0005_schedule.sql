-- The triggers that wake an integration; postgresql/ has the same.

CREATE TRIGGER schedule_made AFTER INSERT ON integration BEGIN
  INSERT INTO schedule (integration) VALUES (NEW.id);
END;
CREATE TRIGGER schedule_gone AFTER DELETE ON integration BEGIN
  DELETE FROM schedule WHERE integration = OLD.id;
END;
-- What a person did: paused, resumed, connected, declared anew. What a run writes of itself counts when the run has ended.
CREATE TRIGGER schedule_changed AFTER UPDATE OF desired, connected_ms, resumed_ms, remote_id, plugin, settings_json, actual, next_attempt_ms ON integration
WHEN NEW.desired <> OLD.desired OR NEW.connected_ms <> OLD.connected_ms OR NEW.resumed_ms <> OLD.resumed_ms OR NEW.remote_id <> OLD.remote_id
  OR NEW.plugin <> OLD.plugin OR NEW.settings_json <> OLD.settings_json OR (OLD.actual = 'needs_reauth' AND NEW.actual <> 'needs_reauth')
  OR NEW.next_attempt_ms < OLD.next_attempt_ms
BEGIN
  UPDATE schedule SET look_at_ms = 0, wakes = wakes + 1 WHERE integration = NEW.id;
END;
CREATE TRIGGER schedule_asked AFTER INSERT ON command BEGIN
  UPDATE schedule SET look_at_ms = 0, wakes = wakes + 1 WHERE integration = NEW.integration;
END;
-- Behind those that have waited longer: one that is always due must not keep the others away.
CREATE TRIGGER schedule_run_ended AFTER UPDATE OF outcome ON run WHEN OLD.outcome = 'running' AND NEW.outcome <> 'running' BEGIN
  UPDATE schedule SET look_at_ms = CASE WHEN look_at_ms < NEW.ended_ms THEN look_at_ms ELSE NEW.ended_ms END, wakes = wakes + 1
    WHERE integration = NEW.integration;
END;
-- Who asked for a run and was told that another one is under way need not wait.
CREATE TRIGGER schedule_lease_free AFTER UPDATE OF owner ON lease WHEN NEW.owner = '' AND OLD.owner <> '' BEGIN
  UPDATE schedule SET look_at_ms = 0, wakes = wakes + 1
    WHERE integration = NEW.integration AND EXISTS (SELECT 1 FROM command WHERE integration = NEW.integration AND kind = 'sync');
END;
