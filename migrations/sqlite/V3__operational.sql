-- What is worked off or looked up beside the log; no rebuild touches it.

CREATE TABLE outbox (
    number      INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    event_id    BLOB NOT NULL CHECK (length(event_id) = 16),
    destination TEXT NOT NULL,
    key         TEXT NOT NULL,
    data        TEXT NOT NULL,
    since       INTEGER NOT NULL,
    progress    TEXT NOT NULL DEFAULT 'waiting' CHECK (progress IN ('waiting', 'delivered', 'dead')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    retry_at    INTEGER,
    error       TEXT
) STRICT;

CREATE INDEX outbox_waiting ON outbox (destination, number) WHERE progress = 'waiting';
CREATE INDEX outbox_retrying ON outbox (destination, key, number) WHERE progress = 'waiting' AND retry_at IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (number) WHERE progress = 'dead';

CREATE TABLE inbox (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    event        TEXT NOT NULL,
    ordering_key TEXT NOT NULL,
    body         TEXT,              -- NULL once it was dropped for its age
    received_at  INTEGER NOT NULL,
    progress     TEXT NOT NULL CHECK (progress IN ('waiting', 'worked', 'ignored', 'dead')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    retry_at     INTEGER,
    outcome      TEXT               -- what came of it, or the last error
) STRICT;

CREATE INDEX inbox_waiting ON inbox (number) WHERE progress = 'waiting';
CREATE INDEX inbox_retrying ON inbox (ordering_key, number) WHERE progress = 'waiting' AND retry_at IS NOT NULL;
CREATE INDEX inbox_dead ON inbox (number) WHERE progress = 'dead';

-- Either an append (stream and receipt) or a literal answer (status and body).
CREATE TABLE answers (
    scope          TEXT NOT NULL,
    key            TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    since          INTEGER NOT NULL,
    stream         INTEGER REFERENCES streams (number),
    first_version  INTEGER,
    last_version   INTEGER,
    first_position INTEGER,
    last_position  INTEGER,
    status         INTEGER,
    body           TEXT,
    PRIMARY KEY (scope, key),
    CHECK ((stream IS NULL) = (status IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE heartbeats (
    agent    TEXT NOT NULL,
    instance TEXT NOT NULL,         -- empty for the bare agent
    heard_at INTEGER NOT NULL,
    PRIMARY KEY (agent, instance)
) STRICT, WITHOUT ROWID;

CREATE TABLE early_checks (
    number   INTEGER PRIMARY KEY,
    repo     TEXT NOT NULL,         -- as spelled
    repo_key TEXT NOT NULL,         -- lower case
    head     TEXT NOT NULL,
    data     TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT;

CREATE INDEX early_checks_by_head ON early_checks (repo_key, head);
