-- The log: facts, in the order of their commits. Nothing here is ever changed or deleted.

-- A stream, once it has an event. Its id is the position of its first event, so no sequence is needed.
CREATE TABLE streams (
    id   bigint PRIMARY KEY,
    key  text   NOT NULL UNIQUE COLLATE "C",  -- what compares: lower case for what GitHub names, `agent:` before agents
    kind text   NOT NULL,         -- issue | pull_request | agent | rig
    name text   NOT NULL,         -- as first spelled
    -- Order of pages. Here and not with the rows that change, where each change of state would write to this index too.
    sort_name text   NOT NULL COLLATE "C",  -- lower-case repository, or the agent's id
    number    bigint NOT NULL               -- 0 for what has none
);
CREATE INDEX streams_by_name ON streams (kind, sort_name, number);

-- Positions are given under the log's lock: 1, 2, 3 … in commit order, without holes.
-- No foreign key to streams: the one writer's statement writes both, and a check per row would cost a third of it.
CREATE TABLE events (
    position bigint      PRIMARY KEY,
    stream   bigint      NOT NULL,
    version  bigint      NOT NULL CHECK (version > 0),
    id       uuid        NOT NULL,
    time     timestamptz NOT NULL,
    schema   integer     NOT NULL,
    type     text        NOT NULL COLLATE "C",
    data     text        NOT NULL,  -- JSON; not checked by the server, since nothing but the codec writes it: `data::json`
    metadata text        NOT NULL,
    tenant   text        NOT NULL DEFAULT 'default',
    UNIQUE (stream, version)
);

-- Replays of one kind of fact (costs from token usage, say) read few rows of many.
CREATE INDEX events_by_type ON events (type, position);

-- The serving role has no such rights in the first place; this also stops the owner and a superuser's slip.
CREATE FUNCTION refuse_change_of_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the log is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER events_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_log();
CREATE TRIGGER streams_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON streams
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_log();
