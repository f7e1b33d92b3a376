-- One row per stream, written in the transaction of the append; a rebuild may make all of this anew.

CREATE TABLE read_models (
    stream       INTEGER PRIMARY KEY REFERENCES streams (number),
    kind         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    projection   INTEGER NOT NULL,  -- the number of the projections that made the row
    shown        INTEGER NOT NULL,
    place_name   TEXT NOT NULL,     -- order of rows: lower-case repository or the agent's id …
    place_number INTEGER NOT NULL,  -- … then number
    repo         TEXT,              -- lower case
    number       INTEGER,
    state        TEXT,
    priority     TEXT,
    holder       TEXT,              -- claimant of a live lease, such as dev-e-node/ab12c
    holder_agent TEXT,
    unstarted    INTEGER NOT NULL,
    head         TEXT,
    document     TEXT NOT NULL
) STRICT;

CREATE INDEX read_models_in_order ON read_models (kind, place_name, place_number) WHERE shown = 1;
CREATE INDEX read_models_with_lease ON read_models (holder_agent) WHERE holder_agent IS NOT NULL;
CREATE INDEX read_models_by_head ON read_models (head) WHERE head IS NOT NULL;

-- Apart from the row, so that an event doesn't rewrite a long text that it leaves alone.
CREATE TABLE bodies (
    stream INTEGER PRIMARY KEY REFERENCES streams (number),
    body   TEXT NOT NULL
) STRICT;

-- For people with a SQL prompt.
CREATE VIEW issues AS
SELECT s.id, m.state, m.priority, m.holder, m.version, m.document
FROM read_models m JOIN streams s ON s.number = m.stream
WHERE m.kind = 'issue' AND m.shown = 1;

CREATE VIEW pulls AS
SELECT s.id, m.state, m.head, m.version, m.document
FROM read_models m JOIN streams s ON s.number = m.stream
WHERE m.kind = 'pull_request' AND m.shown = 1;

CREATE VIEW agents AS
SELECT s.id, m.version, m.document
FROM read_models m JOIN streams s ON s.number = m.stream
WHERE m.kind = 'agent' AND m.shown = 1;

CREATE VIEW timeline AS
SELECT e.position, s.id AS stream, e.version, e.type, strftime('%Y-%m-%dT%H:%M:%fZ', e.time / 1000.0, 'unixepoch') AS time,
       e.data, e.metadata
FROM events e JOIN streams s ON s.number = e.stream;
