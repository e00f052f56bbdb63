-- The triggers of the ledger. Their texts are the reasons that a caller sees; postgresql/ has the same.

-- All checks of an entry in one pass over its lines and one over its matches; every insert pays for it. The first also keeps
-- INSERT OR REPLACE, which fires no DELETE trigger, from overwriting an entry.
CREATE TRIGGER entry_balanced BEFORE INSERT ON entry BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM entry WHERE integration = NEW.integration AND entity = NEW.entity AND remote_id = NEW.remote_id
        AND event = NEW.event AND sequence = NEW.sequence)
      THEN RAISE(ABORT, 'ledger.key_conflict: an entry with this number or this key is recorded already')
    WHEN COALESCE(SUM(base_minor), 0) <> 0
      THEN RAISE(ABORT, 'ledger.unbalanced: debits and credits of the entry differ in base currency')
    WHEN COALESCE(SUM(document_minor), 0) <> 0
      THEN RAISE(ABORT, 'ledger.unbalanced: debits and credits of the entry differ in document currency')
    WHEN NEW.line_count <> COUNT(*) OR NEW.line_count = 1 OR NEW.line_count < 0
      THEN RAISE(ABORT, 'ledger.lines: the entry has another number of lines than it says, or only one')
    WHEN NEW.currency = NEW.base_currency AND SUM(CASE WHEN base_minor <> COALESCE(document_minor, base_minor) THEN 1 ELSE 0 END) > 0
      THEN RAISE(ABORT, 'ledger.currency: a line in the base currency has two different amounts')
    WHEN (COALESCE(SUM(CASE WHEN control = 'ar' THEN base_minor ELSE 0 END), 0),
          COALESCE(SUM(CASE WHEN control = 'ar' THEN COALESCE(document_minor, 0) ELSE 0 END), 0),
          COALESCE(SUM(CASE WHEN control = 'credits' THEN base_minor ELSE 0 END), 0),
          COALESCE(SUM(CASE WHEN control = 'credits' THEN COALESCE(document_minor, 0) ELSE 0 END), 0))
      <> (SELECT COALESCE(SUM(CASE WHEN control = 'ar' THEN base_minor ELSE 0 END), 0),
          COALESCE(SUM(CASE WHEN control = 'ar' THEN document_minor ELSE 0 END), 0),
          COALESCE(SUM(CASE WHEN control = 'credits' THEN base_minor ELSE 0 END), 0),
          COALESCE(SUM(CASE WHEN control = 'credits' THEN document_minor ELSE 0 END), 0) FROM open_item_match WHERE entry = NEW.id)
      THEN RAISE(ABORT, 'ledger.open_items: control accounts and open items of the entry differ')
  END FROM entry_line WHERE entry = NEW.id;
END;

CREATE TRIGGER entry_one_live BEFORE INSERT ON entry WHEN NEW.reverses IS NULL BEGIN
  SELECT RAISE(ABORT, 'ledger.second_live_entry: this event of the document already has an entry that is not reversed')
    WHERE EXISTS (SELECT 1 FROM entry AS e WHERE e.integration = NEW.integration AND e.entity = NEW.entity
      AND e.remote_id = NEW.remote_id AND e.event = NEW.event AND e.reverses IS NULL
      AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id));
END;
CREATE TRIGGER entry_reversal BEFORE INSERT ON entry WHEN NEW.reverses IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'ledger.already_reversed: an entry is reversed at most once')
    WHERE EXISTS (SELECT 1 FROM entry WHERE reverses = NEW.reverses);
  SELECT RAISE(ABORT, 'ledger.reversal: a reversal cannot be reversed')
    WHERE EXISTS (SELECT 1 FROM entry AS e WHERE e.id = NEW.reverses AND e.reverses IS NOT NULL);
  SELECT RAISE(ABORT, 'ledger.reversal: a reversal negates the lines of its entry exactly')
    WHERE EXISTS (
      SELECT position, account, -base_minor, -document_minor, control, party, location, service_type FROM entry_line WHERE entry = NEW.reverses
      EXCEPT
      SELECT position, account, base_minor, document_minor, control, party, location, service_type FROM entry_line WHERE entry = NEW.id)
    OR NEW.line_count <> (SELECT line_count FROM entry WHERE id = NEW.reverses);
END;

CREATE TRIGGER entry_immutable_update BEFORE UPDATE ON entry BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: entries are never changed');
END;
CREATE TRIGGER entry_immutable_delete BEFORE DELETE ON entry BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: entries are never deleted');
END;
CREATE TRIGGER entry_line_immutable_update BEFORE UPDATE ON entry_line BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: lines of entries are never changed');
END;
CREATE TRIGGER entry_line_immutable_delete BEFORE DELETE ON entry_line BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: lines of entries are never deleted');
END;
CREATE TRIGGER entry_line_closed BEFORE INSERT ON entry_line WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry) BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: an entry that is recorded takes no more lines');
END;
CREATE TRIGGER open_item_match_immutable_update BEFORE UPDATE ON open_item_match BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: matches are never changed');
END;
CREATE TRIGGER open_item_match_immutable_delete BEFORE DELETE ON open_item_match BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: matches are never deleted');
END;
CREATE TRIGGER open_item_match_closed BEFORE INSERT ON open_item_match WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry) BEGIN
  SELECT RAISE(ABORT, 'ledger.immutable: an entry that is recorded takes no more matches');
END;
