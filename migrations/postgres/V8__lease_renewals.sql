-- Signs of life of the newest lease of each issue: too many for the log, and no rebuild touches them.
CREATE TABLE lease_renewals (
    key          text        PRIMARY KEY COLLATE "C",  -- of the issue's stream
    issue        text        NOT NULL,                 -- as spelled
    epoch        integer     NOT NULL,
    renewed_at   timestamptz,                          -- last heartbeat or event of the holder
    delivered_at timestamptz,                          -- the entry of a pushed assignment was added to the agent's stream
    worked_at    timestamptz                           -- last run, log line or work event of the holder
) WITH (fillfactor = 50);
