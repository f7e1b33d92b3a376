-- The one way into the log: a batch of appends, judged and written under the log's lock.
--
-- A function, because a lone append is dominated by round trips and by the start-up of statements: here the batch is one
-- call, and what a batch doesn't have (guards, keys, effects, new streams) costs nothing. Each statement of a volatile
-- function has a snapshot of its own in READ COMMITTED; so those after the lock see all that was committed before it was got.
--
-- A build that appends in another way brings a function of another name: replicas of both builds serve side by side while
-- they are rolled out.
--
-- Everything is judged against the log as it stood before the batch; the caller never puts two appends into one batch of
-- which the second could see the first. Losers write nothing and don't disturb winners. Rows of the inputs belong to their
-- append by its number in the batch, from 1.
CREATE FUNCTION append_batch(
    -- per append
    keys text[], kinds text[], names text[], expected bigint[], counts integer[],
    scopes text[], idempotency_keys text[], fingerprints text[], times timestamptz[],
    -- per guard
    guard_appends integer[], guard_rules text[], guard_subjects text[], guard_bounds bigint[],
    -- per event
    event_appends integer[], event_offsets integer[], event_ids uuid[], event_types text[], event_schemas integer[],
    event_data json[], event_metadata json[],
    -- per append: its stream's row afterwards
    row_projection integer, row_versions bigint[], row_shown boolean[], row_sort_names text[], row_numbers bigint[],
    row_states text[], row_priorities text[], row_holders text[], row_claimants text[], row_unstarted boolean[],
    row_heads text[], row_documents text[], row_bodies text[],
    -- per effect
    effect_appends integer[], effect_ids uuid[], effect_destinations text[], effect_keys text[], effect_event_ids uuid[],
    effect_data json[]
)
RETURNS TABLE (
    verdict text,              -- written | known | conflict | guarded
    first_position bigint,     -- written: of its first event
    actual bigint,             -- conflict: the version that the stream has
    known_fingerprint text,    -- known: what the key was used for first, and where that ended up (absent: no append)
    known_time timestamptz, known_first_version bigint, known_last_version bigint,
    known_first_position bigint, known_last_position bigint,
    broken integer,            -- guarded: the first guard that doesn't hold, counted over the batch
    held_kind text, held_name text
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    done text;
    log_end bigint;
    asked record;
    guard record;
    broken_guards integer[] := '{}';
    firsts bigint[] := '{}';    -- per append: position of its first event; 0 for losers
    streams_of bigint[] := '{}';
    has_row boolean[] := '{}';  -- per append: whether its stream had a row (a rebuild may have emptied the table)
    new_streams boolean := false;
    new_rows boolean := false;
    old_rows boolean := false;
BEGIN
    -- Held until after the commit: commit order is position order, over all replicas.
    -- (An assignment of a void: cheaper than a statement, and a step of its own all the same.)
    done := pg_advisory_xact_lock(7165066908724391783);

    IF cardinality(guard_appends) > 0 THEN
        FOR guard IN
            SELECT g.append, min(g.nth)::integer AS nth
            FROM unnest(guard_appends, guard_rules, guard_subjects, guard_bounds)
                WITH ORDINALITY AS g (append, rule, subject, bound, nth)
            WHERE NOT CASE g.rule
                WHEN 'stream_at' THEN g.bound = coalesce((
                    SELECT e.version FROM events e WHERE e.stream = (SELECT id FROM streams WHERE key = g.subject)
                    ORDER BY e.version DESC LIMIT 1
                ), 0)
                WHEN 'leases_below' THEN g.bound > (
                    SELECT count(*) FROM (SELECT FROM read_models r WHERE r.holder = g.subject LIMIT g.bound) held
                )
                WHEN 'nothing_unstarted' THEN (
                    SELECT r.stream FROM read_models r WHERE r.claimant = g.subject AND r.unstarted LIMIT 1
                ) IS NULL
            END
            GROUP BY g.append
        LOOP
            broken_guards[guard.append] := guard.nth;
        END LOOP;
    END IF;

    FOR asked IN
        SELECT a.append, a.kind, a.expected, a.events, a.scope, a.idempotency_key,
            s.id AS stream, s.kind AS known_kind, r.version AS row_version,
            (SELECT coalesce(max(position), 0) FROM events) AS log_end,
            coalesce(r.version, (
                SELECT e.version FROM events e WHERE e.stream = s.id ORDER BY e.version DESC LIMIT 1
            ), 0) AS version
        FROM unnest(kinds, keys, expected, counts, scopes, idempotency_keys)
            WITH ORDINALITY AS a (kind, key, expected, events, scope, idempotency_key, append)
        LEFT JOIN LATERAL (SELECT id, kind FROM streams WHERE streams.key = a.key LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT version FROM read_models WHERE stream = s.id LIMIT 1) r ON true
        ORDER BY a.append
    LOOP
        log_end := coalesce(log_end, asked.log_end);
        verdict := NULL; first_position := NULL; actual := NULL; broken := NULL; held_kind := NULL; held_name := NULL;
        known_fingerprint := NULL;
        -- First the key: a repeat gets the first answer, whatever has happened to the stream since.
        IF asked.scope IS NOT NULL THEN
            SELECT k.fingerprint, k.kept_at, k.first_version, k.last_version, k.first_position, k.last_position
            INTO known_fingerprint, known_time, known_first_version, known_last_version, known_first_position,
                known_last_position
            FROM answers k WHERE k.scope = asked.scope AND k.key = asked.idempotency_key;
        END IF;
        IF known_fingerprint IS NOT NULL THEN
            verdict := 'known';
        ELSIF asked.version <> asked.expected OR asked.known_kind <> asked.kind THEN
            verdict := 'conflict';
            actual := asked.version;
        ELSIF broken_guards[asked.append] IS NOT NULL THEN
            verdict := 'guarded';
            broken := broken_guards[asked.append];
            IF guard_rules[broken] = 'nothing_unstarted' THEN
                SELECT s.kind, s.name INTO held_kind, held_name
                FROM read_models r JOIN streams s ON s.id = r.stream
                WHERE r.claimant = guard_subjects[broken] AND r.unstarted LIMIT 1;
            END IF;
        ELSE
            verdict := 'written';
            first_position := log_end + 1;
            log_end := log_end + asked.events;
            new_streams := new_streams OR asked.stream IS NULL;
            new_rows := new_rows OR asked.row_version IS NULL;
            old_rows := old_rows OR asked.row_version IS NOT NULL;
        END IF;
        firsts[asked.append] := coalesce(first_position, 0);
        -- A stream's id is the position of its first event.
        streams_of[asked.append] := coalesce(asked.stream, first_position);
        has_row[asked.append] := asked.row_version IS NOT NULL;
        RETURN NEXT;
    END LOOP;

    IF NOT (new_rows OR old_rows) THEN
        RETURN;
    END IF;

    IF new_streams THEN
        INSERT INTO streams (id, key, kind, name)
        SELECT firsts[a.append], a.key, a.kind, a.name
        FROM unnest(keys, kinds, names, expected) WITH ORDINALITY AS a (key, kind, name, expected, append)
        WHERE a.expected = 0 AND firsts[a.append] > 0;
    END IF;

    INSERT INTO events (position, stream, version, id, type, schema, time, data, metadata)
    SELECT firsts[e.append] + e.nth, streams_of[e.append], expected[e.append] + 1 + e.nth, e.id, e.type, e.schema,
        times[e.append], e.data, e.metadata
    FROM unnest(event_appends, event_offsets, event_ids, event_types, event_schemas, event_data, event_metadata)
        AS e (append, nth, id, type, schema, data, metadata)
    WHERE firsts[e.append] > 0;

    IF old_rows THEN
        UPDATE read_models r
        SET version = a.version, projection = row_projection, shown = a.shown, state = a.state, priority = a.priority,
            holder = a.holder, claimant = a.claimant, unstarted = a.unstarted, head = a.head, document = a.document,
            body = coalesce(a.body, r.body)
        FROM unnest(row_versions, row_shown, row_states, row_priorities, row_holders, row_claimants, row_unstarted,
                row_heads, row_documents, row_bodies)
            WITH ORDINALITY AS a (version, shown, state, priority, holder, claimant, unstarted, head, document, body, append)
        WHERE r.stream = streams_of[a.append] AND firsts[a.append] > 0 AND has_row[a.append];
    END IF;

    IF new_rows THEN
        INSERT INTO read_models (stream, kind, version, projection, shown, sort_name, number, state, priority, holder,
            claimant, unstarted, head, document, body)
        SELECT streams_of[a.append], a.kind, a.version, row_projection, a.shown, a.sort_name, a.number, a.state, a.priority,
            a.holder, a.claimant, a.unstarted, a.head, a.document, a.body
        FROM unnest(kinds, row_versions, row_shown, row_sort_names, row_numbers, row_states, row_priorities, row_holders,
                row_claimants, row_unstarted, row_heads, row_documents, row_bodies)
            WITH ORDINALITY AS a (kind, version, shown, sort_name, number, state, priority, holder, claimant, unstarted,
                head, document, body, append)
        WHERE firsts[a.append] > 0 AND NOT has_row[a.append];
    END IF;

    IF cardinality(effect_appends) > 0 THEN
        INSERT INTO outbox (id, destination, key, event_id, effect, since)
        SELECT e.id, e.destination, e.key, e.event_id, e.effect, times[e.append]
        FROM unnest(effect_appends, effect_ids, effect_destinations, effect_keys, effect_event_ids, effect_data)
            AS e (append, id, destination, key, event_id, effect)
        WHERE firsts[e.append] > 0;
    END IF;

    IF array_remove(scopes, NULL) <> '{}' THEN
        INSERT INTO answers (scope, key, fingerprint, kept_at, stream, first_version, last_version, first_position,
            last_position)
        SELECT a.scope, a.key, a.fingerprint, a.time, streams_of[a.append], a.expected + 1, a.expected + a.events,
            firsts[a.append], firsts[a.append] + a.events - 1
        FROM unnest(scopes, idempotency_keys, fingerprints, times, expected, counts)
            WITH ORDINALITY AS a (scope, key, fingerprint, time, expected, events, append)
        WHERE a.scope IS NOT NULL AND firsts[a.append] > 0;
    END IF;

    done := pg_notify('conductor_log', log_end::text);
END
$$;
