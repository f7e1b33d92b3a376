-- Which replica acts on timers, until when by this database's clock. One row; see `src/adapters/postgres/leader.rs`.
CREATE TABLE leader (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    holder   text        NOT NULL,
    term     bigint      NOT NULL,   -- counts terms
    ends_at  timestamptz NOT NULL,
    length   interval    NOT NULL    -- from the last renewal to `ends_at`
) WITH (fillfactor = 10);            -- renewed every few seconds: updates stay on their page

-- Why an effect was closed without having been delivered: it no longer held.
ALTER TABLE outbox ADD COLUMN obsolete text;
