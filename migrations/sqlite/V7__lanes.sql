-- Why an effect was closed without having been delivered: it no longer held.
ALTER TABLE outbox ADD COLUMN obsolete TEXT;
