-- The triggers of the ledger, with the texts of those in sqlite/.

CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0];
END $$;

-- All checks of an entry in one pass over its lines and one over its matches; every insert pays for it.
CREATE FUNCTION entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  lines RECORD;
  matches RECORD;
BEGIN
  IF EXISTS (SELECT 1 FROM entry WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM entry WHERE integration = NEW.integration AND entity = NEW.entity AND remote_id = NEW.remote_id
      AND event = NEW.event AND sequence = NEW.sequence)
    THEN RAISE EXCEPTION 'ledger.key_conflict: an entry with this number or this key is recorded already';
  END IF;
  SELECT COALESCE(SUM(base_minor), 0) AS base, COALESCE(SUM(document_minor), 0) AS document, COUNT(*) AS lines,
    COALESCE(SUM(CASE WHEN base_minor <> COALESCE(document_minor, base_minor) THEN 1 ELSE 0 END), 0) AS differing,
    COALESCE(SUM(CASE WHEN control = 'ar' THEN base_minor ELSE 0 END), 0) AS ar_base,
    COALESCE(SUM(CASE WHEN control = 'ar' THEN COALESCE(document_minor, 0) ELSE 0 END), 0) AS ar_document,
    COALESCE(SUM(CASE WHEN control = 'credits' THEN base_minor ELSE 0 END), 0) AS credits_base,
    COALESCE(SUM(CASE WHEN control = 'credits' THEN COALESCE(document_minor, 0) ELSE 0 END), 0) AS credits_document
    INTO lines FROM entry_line WHERE entry = NEW.id;
  IF lines.base <> 0 THEN RAISE EXCEPTION 'ledger.unbalanced: debits and credits of the entry differ in base currency'; END IF;
  IF lines.document <> 0 THEN RAISE EXCEPTION 'ledger.unbalanced: debits and credits of the entry differ in document currency'; END IF;
  IF NEW.line_count <> lines.lines OR NEW.line_count = 1 OR NEW.line_count < 0
    THEN RAISE EXCEPTION 'ledger.lines: the entry has another number of lines than it says, or only one';
  END IF;
  IF NEW.currency = NEW.base_currency AND lines.differing > 0
    THEN RAISE EXCEPTION 'ledger.currency: a line in the base currency has two different amounts';
  END IF;
  SELECT COALESCE(SUM(CASE WHEN control = 'ar' THEN base_minor ELSE 0 END), 0) AS ar_base,
    COALESCE(SUM(CASE WHEN control = 'ar' THEN document_minor ELSE 0 END), 0) AS ar_document,
    COALESCE(SUM(CASE WHEN control = 'credits' THEN base_minor ELSE 0 END), 0) AS credits_base,
    COALESCE(SUM(CASE WHEN control = 'credits' THEN document_minor ELSE 0 END), 0) AS credits_document
    INTO matches FROM open_item_match WHERE entry = NEW.id;
  IF (lines.ar_base, lines.ar_document, lines.credits_base, lines.credits_document)
    <> (matches.ar_base, matches.ar_document, matches.credits_base, matches.credits_document)
    THEN RAISE EXCEPTION 'ledger.open_items: control accounts and open items of the entry differ';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entry_balanced BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION entry_balanced();

CREATE FUNCTION entry_one_live() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM entry AS e WHERE e.integration = NEW.integration AND e.entity = NEW.entity
    AND e.remote_id = NEW.remote_id AND e.event = NEW.event AND e.reverses IS NULL
    AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id))
    THEN RAISE EXCEPTION 'ledger.second_live_entry: this event of the document already has an entry that is not reversed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entry_one_live BEFORE INSERT ON entry FOR EACH ROW WHEN (NEW.reverses IS NULL)
  EXECUTE FUNCTION entry_one_live();

CREATE FUNCTION entry_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM entry WHERE reverses = NEW.reverses)
    THEN RAISE EXCEPTION 'ledger.already_reversed: an entry is reversed at most once';
  END IF;
  IF EXISTS (SELECT 1 FROM entry AS e WHERE e.id = NEW.reverses AND e.reverses IS NOT NULL)
    THEN RAISE EXCEPTION 'ledger.reversal: a reversal cannot be reversed';
  END IF;
  IF EXISTS (
      SELECT position, account, -base_minor, -document_minor, control, party, location, service_type FROM entry_line WHERE entry = NEW.reverses
      EXCEPT
      SELECT position, account, base_minor, document_minor, control, party, location, service_type FROM entry_line WHERE entry = NEW.id)
    OR NEW.line_count <> (SELECT line_count FROM entry WHERE id = NEW.reverses)
    THEN RAISE EXCEPTION 'ledger.reversal: a reversal negates the lines of its entry exactly';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entry_reversal BEFORE INSERT ON entry FOR EACH ROW WHEN (NEW.reverses IS NOT NULL)
  EXECUTE FUNCTION entry_reversal();

CREATE TRIGGER entry_immutable_update BEFORE UPDATE ON entry FOR EACH ROW
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: entries are never changed');
CREATE TRIGGER entry_immutable_delete BEFORE DELETE ON entry FOR EACH ROW
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: entries are never deleted');
CREATE TRIGGER entry_immutable_truncate BEFORE TRUNCATE ON entry FOR EACH STATEMENT
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: entries are never deleted');
CREATE TRIGGER entry_line_immutable_update BEFORE UPDATE ON entry_line FOR EACH ROW
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: lines of entries are never changed');
CREATE TRIGGER entry_line_immutable_delete BEFORE DELETE ON entry_line FOR EACH ROW
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: lines of entries are never deleted');
CREATE TRIGGER entry_line_immutable_truncate BEFORE TRUNCATE ON entry_line FOR EACH STATEMENT
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: lines of entries are never deleted');
CREATE TRIGGER open_item_match_immutable_update BEFORE UPDATE ON open_item_match FOR EACH ROW
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: matches are never changed');
CREATE TRIGGER open_item_match_immutable_delete BEFORE DELETE ON open_item_match FOR EACH ROW
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: matches are never deleted');
CREATE TRIGGER open_item_match_immutable_truncate BEFORE TRUNCATE ON open_item_match FOR EACH STATEMENT
  EXECUTE FUNCTION ledger_refuse('ledger.immutable: matches are never deleted');

CREATE FUNCTION entry_line_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry)
    THEN RAISE EXCEPTION 'ledger.immutable: an entry that is recorded takes no more lines';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER entry_line_closed BEFORE INSERT ON entry_line FOR EACH ROW EXECUTE FUNCTION entry_line_closed();

CREATE FUNCTION open_item_match_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry)
    THEN RAISE EXCEPTION 'ledger.immutable: an entry that is recorded takes no more matches';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER open_item_match_closed BEFORE INSERT ON open_item_match FOR EACH ROW EXECUTE FUNCTION open_item_match_closed();
