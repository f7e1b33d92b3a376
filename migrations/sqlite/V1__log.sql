-- The log: streams and their events. Times are milliseconds since 1970 in UTC, ids are UUIDs as 16 bytes.

CREATE TABLE streams (
    number  INTEGER PRIMARY KEY,
    key     TEXT NOT NULL UNIQUE,   -- what is compared: lower case for what GitHub names
    id      TEXT NOT NULL,          -- as first spelled
    kind    TEXT NOT NULL CHECK (kind IN ('issue', 'pull_request', 'agent', 'rig')),
    version INTEGER NOT NULL CHECK (version > 0)
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,   -- given by the one writer, in order of commit
    id       BLOB NOT NULL CHECK (length(id) = 16),
    stream   INTEGER NOT NULL REFERENCES streams (number),
    version  INTEGER NOT NULL CHECK (version > 0),
    type     TEXT NOT NULL,
    schema   INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    data     TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (stream, version)
) STRICT;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;

-- Without this trigger INSERT OR REPLACE would delete silently: it fires no delete triggers here.
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position)
  OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
BEGIN
    SELECT RAISE(ABORT, 'events are never replaced');
END;
