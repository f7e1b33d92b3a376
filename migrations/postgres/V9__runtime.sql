-- What agents' runtimes tell beside their events; no rebuild touches it.

CREATE TABLE executions (
    id         uuid        PRIMARY KEY,
    agent      text        NOT NULL COLLATE "C",
    repo_key   text        COLLATE "C",            -- lower case
    number     bigint,                             -- of an issue or pull request
    header     json        NOT NULL,
    started_at timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,               -- when it last told anything
    ended_at   timestamptz,
    ended      json,
    steps      bigint      NOT NULL DEFAULT 0,     -- told, kept or not
    lines      bigint      NOT NULL DEFAULT 0,
    CHECK ((ended_at IS NULL) = (ended IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX executions_by_start ON executions (started_at, id);
CREATE INDEX executions_by_place ON executions (repo_key, number, started_at, id);
CREATE INDEX executions_by_agent ON executions (agent, started_at, id);

CREATE TABLE execution_entries (
    execution uuid   NOT NULL REFERENCES executions ON DELETE CASCADE,
    kind      text   NOT NULL COLLATE "C" CHECK (kind IN ('step', 'line')),
    number    bigint NOT NULL,                     -- 1, 2, 3 …
    data      json   NOT NULL,
    PRIMARY KEY (execution, kind, number)
);
