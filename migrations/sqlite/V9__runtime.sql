-- What agents' runtimes tell beside their events; no rebuild touches it.

CREATE TABLE executions (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    agent      TEXT NOT NULL,
    repo_key   TEXT,                -- lower case
    number     INTEGER,             -- of an issue or pull request
    header     TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,    -- when it last told anything
    ended_at   INTEGER,
    ended      TEXT,
    steps      INTEGER NOT NULL DEFAULT 0,  -- told, kept or not
    lines      INTEGER NOT NULL DEFAULT 0,
    CHECK ((ended_at IS NULL) = (ended IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX executions_by_start ON executions (started_at, id);
CREATE INDEX executions_by_place ON executions (repo_key, number, started_at, id);

CREATE TABLE execution_entries (
    execution BLOB NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    kind      TEXT NOT NULL CHECK (kind IN ('step', 'line')),
    number    INTEGER NOT NULL,     -- 1, 2, 3 …
    data      TEXT NOT NULL,
    PRIMARY KEY (execution, kind, number)
) STRICT, WITHOUT ROWID;
