-- The one way into the log: a batch of appends, judged and written under the log's lock.
--
-- A function, because a lone append is dominated by round trips and by the start-up of statements: here the batch is one
-- call, and what a batch doesn't have (guards, keys, effects, new streams) costs next to nothing. Each statement of a
-- volatile function has a snapshot of its own in READ COMMITTED; so those after the lock see all that was committed before
-- it was got.
--
-- A build that appends in another way brings a function of another name: replicas of both builds serve side by side while
-- they are rolled out.
--
-- Everything is judged against the log as it stood before the batch; the caller never puts two appends into one batch of
-- which the second could see the first. Losers write nothing and don't disturb winners. Rows of the inputs belong to their
-- append by its number in the batch, from 1.
CREATE FUNCTION append_batch(
    -- per append
    keys text[], kinds text[], names text[], expected bigint[], counts integer[], times timestamptz[],
    -- per event, in the order of the appends
    event_appends integer[], event_ids uuid[], event_types text[], event_schemas integer[], event_data json[],
    event_metadata json[],
    -- per append: its stream's row afterwards
    row_projection integer, row_shown boolean[], row_sort_names text[], row_numbers bigint[], row_states text[],
    row_priorities text[], row_holders text[], row_claimants text[], row_unstarted boolean[], row_heads text[],
    row_documents text[], row_bodies text[],
    -- per append: what recognises a repeat
    scopes text[] DEFAULT '{}', idempotency_keys text[] DEFAULT '{}', fingerprints text[] DEFAULT '{}',
    -- per guard, in the order of the appends
    guard_appends integer[] DEFAULT '{}', guard_rules text[] DEFAULT '{}', guard_subjects text[] DEFAULT '{}',
    guard_bounds bigint[] DEFAULT '{}',
    -- per effect
    effect_appends integer[] DEFAULT '{}', effect_ids uuid[] DEFAULT '{}', effect_destinations text[] DEFAULT '{}',
    effect_keys text[] DEFAULT '{}', effect_event_ids uuid[] DEFAULT '{}', effect_data json[] DEFAULT '{}'
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
    events_before integer := 0;
    guard record;
    broken_guards integer[] := '{}';
    stream_of bigint;
    kind_of text;
    version_of bigint;
    -- What the loop below finds out, per append:
    streams_of bigint[] := '{}';     -- the stream's id
    has_row boolean[] := '{}';       -- whether it had a row (a rebuild may have emptied the table)
    firsts bigint[] := '{}';         -- position of the first event; 0 for losers
    event_starts integer[] := '{}';  -- how many events of the batch come before its first
    new_streams boolean := false;
    new_rows boolean := false;
    old_rows boolean := false;
BEGIN
    -- Held until after the commit: commit order is position order, over all replicas. (An assignment of nothing: cheaper
    -- than a statement, and a step of its own all the same.)
    done := pg_advisory_xact_lock(7165066908724391783);
    SELECT coalesce(max(position), 0) INTO log_end FROM events;

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

    FOR i IN 1 .. cardinality(keys) LOOP
        verdict := NULL; first_position := NULL; actual := NULL; broken := NULL; held_kind := NULL; held_name := NULL;
        known_fingerprint := NULL;

        SELECT s.id, s.kind, r.version INTO stream_of, kind_of, version_of
        FROM streams s LEFT JOIN read_models r ON r.stream = s.id WHERE s.key = keys[i];
        has_row[i] := version_of IS NOT NULL;
        IF version_of IS NULL AND stream_of IS NOT NULL THEN
            SELECT e.version INTO version_of FROM events e WHERE e.stream = stream_of ORDER BY e.version DESC LIMIT 1;
        END IF;

        -- First the key: a repeat gets the first answer, whatever has happened to the stream since.
        IF scopes[i] IS NOT NULL THEN
            SELECT k.fingerprint, k.kept_at, k.first_version, k.last_version, k.first_position, k.last_position
            INTO known_fingerprint, known_time, known_first_version, known_last_version, known_first_position,
                known_last_position
            FROM answers k WHERE k.scope = scopes[i] AND k.key = idempotency_keys[i];
        END IF;
        IF known_fingerprint IS NOT NULL THEN
            verdict := 'known';
        ELSIF coalesce(version_of, 0) <> expected[i] OR kind_of <> kinds[i] THEN
            verdict := 'conflict';
            actual := coalesce(version_of, 0);
        ELSIF broken_guards[i] IS NOT NULL THEN
            verdict := 'guarded';
            broken := broken_guards[i];
            IF guard_rules[broken] = 'nothing_unstarted' THEN
                SELECT s.kind, s.name INTO held_kind, held_name
                FROM read_models r JOIN streams s ON s.id = r.stream
                WHERE r.claimant = guard_subjects[broken] AND r.unstarted LIMIT 1;
            END IF;
        ELSE
            verdict := 'written';
            first_position := log_end + 1;
            log_end := log_end + counts[i];
            new_streams := new_streams OR stream_of IS NULL;
            new_rows := new_rows OR NOT has_row[i];
            old_rows := old_rows OR has_row[i];
        END IF;
        firsts[i] := coalesce(first_position, 0);
        -- A stream's id is the position of its first event.
        streams_of[i] := coalesce(stream_of, first_position);
        event_starts[i] := events_before;
        events_before := events_before + counts[i];
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
    SELECT firsts[e.append] - 1 + e.nth - event_starts[e.append], streams_of[e.append],
        expected[e.append] + e.nth - event_starts[e.append], e.id, e.type, e.schema, times[e.append], e.data, e.metadata
    FROM unnest(event_appends, event_ids, event_types, event_schemas, event_data, event_metadata)
        WITH ORDINALITY AS e (append, id, type, schema, data, metadata, nth)
    WHERE firsts[e.append] > 0;

    IF old_rows THEN
        UPDATE read_models r
        SET version = expected[a.append] + counts[a.append], projection = row_projection, shown = a.shown, state = a.state,
            priority = a.priority, holder = a.holder, claimant = a.claimant, unstarted = a.unstarted, head = a.head,
            document = a.document, body = coalesce(a.body, r.body)
        FROM unnest(row_shown, row_states, row_priorities, row_holders, row_claimants, row_unstarted, row_heads,
                row_documents, row_bodies)
            WITH ORDINALITY AS a (shown, state, priority, holder, claimant, unstarted, head, document, body, append)
        WHERE r.stream = streams_of[a.append] AND firsts[a.append] > 0 AND has_row[a.append];
    END IF;

    IF new_rows THEN
        INSERT INTO read_models (stream, kind, version, projection, shown, sort_name, number, state, priority, holder,
            claimant, unstarted, head, document, body)
        SELECT streams_of[a.append], a.kind, expected[a.append] + counts[a.append], row_projection, a.shown, a.sort_name,
            a.number, a.state, a.priority, a.holder, a.claimant, a.unstarted, a.head, a.document, a.body
        FROM unnest(kinds, row_shown, row_sort_names, row_numbers, row_states, row_priorities, row_holders, row_claimants,
                row_unstarted, row_heads, row_documents, row_bodies)
            WITH ORDINALITY AS a (kind, shown, sort_name, number, state, priority, holder, claimant, unstarted, head,
                document, body, append)
        WHERE firsts[a.append] > 0 AND NOT has_row[a.append];
    END IF;

    IF cardinality(effect_appends) > 0 THEN
        INSERT INTO outbox (id, destination, key, event_id, effect, since)
        SELECT e.id, e.destination, e.key, e.event_id, e.effect, times[e.append]
        FROM unnest(effect_appends, effect_ids, effect_destinations, effect_keys, effect_event_ids, effect_data)
            AS e (append, id, destination, key, event_id, effect)
        WHERE firsts[e.append] > 0;
    END IF;

    IF cardinality(scopes) > 0 THEN
        INSERT INTO answers (scope, key, fingerprint, kept_at, stream, first_version, last_version, first_position,
            last_position)
        SELECT a.scope, a.key, a.fingerprint, times[a.append], streams_of[a.append], expected[a.append] + 1,
            expected[a.append] + counts[a.append], firsts[a.append], firsts[a.append] + counts[a.append] - 1
        FROM unnest(scopes, idempotency_keys, fingerprints) WITH ORDINALITY AS a (scope, key, fingerprint, append)
        WHERE a.scope IS NOT NULL AND firsts[a.append] > 0;
    END IF;

    done := pg_notify('conductor_log', log_end::text);
END
$$;
