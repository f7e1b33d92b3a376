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

CREATE TABLE agent_lines (
    place    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent    text        NOT NULL COLLATE "C",
    level    text        NOT NULL COLLATE "C",
    repo_key text        COLLATE "C",              -- lower case
    number   bigint,
    at       timestamptz NOT NULL,                 -- when it came
    data     json        NOT NULL
);
CREATE INDEX agent_lines_by_agent ON agent_lines (agent, place);
CREATE INDEX agent_lines_by_place ON agent_lines (repo_key, number, place);

CREATE TABLE learnings (
    repo_key   text        NOT NULL COLLATE "C",   -- lower case
    key        text        NOT NULL COLLATE "C",
    repo       text        NOT NULL,               -- as first spelled
    value      text        NOT NULL,
    agent      text        NOT NULL COLLATE "C",
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (repo_key, key)
);

-- A read model, written with the append: what was spent. Money is whole micro-dollars. A repo of '' and a number of 0 mean none.
CREATE TABLE costs (
    day                   integer NOT NULL,            -- days since 1970-01-01, UTC
    agent                 text    NOT NULL COLLATE "C",
    repo_key              text    NOT NULL COLLATE "C", -- lower case
    number                bigint  NOT NULL,
    model                 text    NOT NULL COLLATE "C",
    repo                  text    NOT NULL COLLATE "C", -- as the row was begun
    input_tokens          bigint  NOT NULL,
    output_tokens         bigint  NOT NULL,
    cache_read_tokens     bigint  NOT NULL,
    cache_creation_tokens bigint  NOT NULL,
    micros                bigint  NOT NULL,
    reports               bigint  NOT NULL,
    PRIMARY KEY (day, agent, repo_key, number, model)
) WITH (fillfactor = 80);
CREATE INDEX costs_by_issue ON costs (repo_key, number, day);

-- By which number of its projection a read model of many rows was made.
CREATE TABLE projections (
    name    text    PRIMARY KEY COLLATE "C",
    version integer NOT NULL
);

-- The same as `append_batch`, for batches in which something was spent: their costs are in the same transaction, and batches
-- without pay nothing for it. `cost_most`: where a row stops counting.
CREATE FUNCTION append_batch_with_costs(
    streams bigint[], expected bigint[], counts integer[], times timestamptz[],
    event_appends integer[], event_places integer[], event_ids uuid[], event_types text[], event_schemas integer[],
    event_data text[], event_metadata text[],
    row_projection integer, row_shown boolean[], row_states text[], row_priorities text[], row_holders text[],
    row_claimants text[], row_unstarted boolean[], row_heads text[], row_documents text[], row_bodies text[],
    announce boolean,
    keys text[], kinds text[], names text[], sort_names text[], numbers bigint[],
    scopes text[], idempotency_keys text[], fingerprints text[],
    guard_appends integer[], guard_rules text[], guard_subjects text[], guard_bounds bigint[],
    effect_appends integer[], effect_ids uuid[], effect_destinations text[], effect_keys text[], effect_event_ids uuid[],
    effect_data json[],
    -- per report of what was spent
    cost_appends integer[], cost_days integer[], cost_agents text[], cost_repo_keys text[], cost_repos text[],
    cost_numbers bigint[], cost_models text[], cost_input bigint[], cost_output bigint[], cost_cache_read bigint[],
    cost_cache_creation bigint[], cost_micros bigint[], cost_reports bigint[], cost_most bigint
)
RETURNS TABLE (
    verdict text, stream bigint, first_position bigint, actual bigint, known_fingerprint text, known_time timestamptz,
    known_first_version bigint, known_last_version bigint, known_first_position bigint, known_last_position bigint,
    broken integer, held_kind text, held_name text
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    nth integer := 0;
    all_won boolean := false;
    winners integer[] := '{}';
BEGIN
    FOR verdict, stream, first_position, actual, known_fingerprint, known_time, known_first_version, known_last_version,
        known_first_position, known_last_position, broken, held_kind, held_name IN
        SELECT * FROM append_batch(streams, expected, counts, times, event_appends, event_places, event_ids, event_types,
            event_schemas, event_data, event_metadata, row_projection, row_shown, row_states, row_priorities, row_holders,
            row_claimants, row_unstarted, row_heads, row_documents, row_bodies, announce, keys, kinds, names, sort_names,
            numbers, scopes, idempotency_keys, fingerprints, guard_appends, guard_rules, guard_subjects, guard_bounds,
            effect_appends, effect_ids, effect_destinations, effect_keys, effect_event_ids, effect_data)
    LOOP
        nth := nth + 1;
        IF verdict = 'all' THEN
            all_won := true;
        ELSIF verdict = 'written' THEN
            winners := winners || nth;
        END IF;
        RETURN NEXT;
    END LOOP;

    INSERT INTO costs AS known (day, agent, repo_key, repo, number, model, input_tokens, output_tokens, cache_read_tokens,
        cache_creation_tokens, micros, reports)
    SELECT c.day, c.agent, c.repo_key, min(c.repo), c.number, c.model, sum(c.input), sum(c.output), sum(c.cache_read),
        sum(c.cache_creation), sum(c.micros), sum(c.reports)
    FROM unnest(cost_appends, cost_days, cost_agents, cost_repo_keys, cost_repos, cost_numbers, cost_models, cost_input,
            cost_output, cost_cache_read, cost_cache_creation, cost_micros, cost_reports)
        AS c (append, day, agent, repo_key, repo, number, model, input, output, cache_read, cache_creation, micros, reports)
    WHERE all_won OR c.append = ANY (winners)
    GROUP BY c.day, c.agent, c.repo_key, c.number, c.model
    ON CONFLICT (day, agent, repo_key, number, model) DO UPDATE SET
        input_tokens = least(known.input_tokens + excluded.input_tokens, cost_most),
        output_tokens = least(known.output_tokens + excluded.output_tokens, cost_most),
        cache_read_tokens = least(known.cache_read_tokens + excluded.cache_read_tokens, cost_most),
        cache_creation_tokens = least(known.cache_creation_tokens + excluded.cache_creation_tokens, cost_most),
        micros = least(known.micros + excluded.micros, cost_most),
        reports = least(known.reports + excluded.reports, cost_most);
END
$$;
