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

CREATE TABLE agent_lines (
    place    INTEGER PRIMARY KEY AUTOINCREMENT,
    agent    TEXT NOT NULL,
    level    TEXT NOT NULL,
    repo_key TEXT,                  -- lower case
    number   INTEGER,
    at       INTEGER NOT NULL,      -- when it came
    data     TEXT NOT NULL
) STRICT;

CREATE INDEX agent_lines_by_agent ON agent_lines (agent, place);
CREATE INDEX agent_lines_by_place ON agent_lines (repo_key, number, place);

CREATE TABLE learnings (
    repo_key   TEXT NOT NULL,       -- lower case
    key        TEXT NOT NULL,
    repo       TEXT NOT NULL,       -- as first spelled
    value      TEXT NOT NULL,
    agent      TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (repo_key, key)
) STRICT, WITHOUT ROWID;

-- A read model, written with the append: what was spent. Money is whole micro-dollars. A repo of '' and a number of 0 mean none.
CREATE TABLE costs (
    day                   INTEGER NOT NULL,     -- days since 1970-01-01, UTC
    agent                 TEXT NOT NULL,
    repo_key              TEXT NOT NULL,        -- lower case
    number                INTEGER NOT NULL,
    model                 TEXT NOT NULL,
    repo                  TEXT NOT NULL,        -- as the row was begun
    input_tokens          INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_creation_tokens INTEGER NOT NULL,
    micros                INTEGER NOT NULL,
    reports               INTEGER NOT NULL,
    PRIMARY KEY (day, agent, repo_key, number, model)
) STRICT, WITHOUT ROWID;

CREATE INDEX costs_by_issue ON costs (repo_key, number, day);

-- By which number of its projection a read model of many rows was made.
CREATE TABLE projections (
    name    TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
