-- Signs of life of the newest lease of each issue: too many for the log, and no rebuild touches them.

CREATE TABLE lease_renewals (
    key          TEXT PRIMARY KEY,         -- of the issue's stream
    issue        TEXT NOT NULL,            -- as spelled
    epoch        INTEGER NOT NULL,
    renewed_at   INTEGER,                  -- last heartbeat or event of the holder
    delivered_at INTEGER,                  -- the entry of a pushed assignment was added to the agent's stream
    worked_at    INTEGER                   -- last run, log line or work event of the holder
) STRICT, WITHOUT ROWID;
