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
--
-- Nearly every append goes to a stream that stands where the caller says. So the rows are written first, each on condition of
-- its version: as many rows as appends, and all is said. Only what is left over is looked at one by one.
CREATE FUNCTION append_batch(
    -- per append; `streams` is null where the caller doesn't know the stream's id
    streams bigint[], expected bigint[], counts integer[], times timestamptz[],
    -- per event, in the order of the appends; `event_places` count from 0 within the append
    event_appends integer[], event_places integer[], event_ids uuid[], event_types text[], event_schemas integer[],
    event_data text[], event_metadata text[],
    -- per append: its stream's row afterwards
    row_projection integer, row_shown boolean[], row_states text[], row_priorities text[], row_holders text[],
    row_claimants text[], row_unstarted boolean[], row_heads text[], row_documents text[], row_bodies text[],
    -- whether listeners are told
    announce boolean,
    -- per append: its stream, unless all ids are known
    keys text[] DEFAULT '{}', kinds text[] DEFAULT '{}', names text[] DEFAULT '{}', sort_names text[] DEFAULT '{}',
    numbers bigint[] DEFAULT '{}',
    -- per append: what recognises a repeat
    scopes text[] DEFAULT '{}', idempotency_keys text[] DEFAULT '{}', fingerprints text[] DEFAULT '{}',
    -- per guard, in the order of the appends
    guard_appends integer[] DEFAULT '{}', guard_rules text[] DEFAULT '{}', guard_subjects text[] DEFAULT '{}',
    guard_bounds bigint[] DEFAULT '{}',
    -- per effect
    effect_appends integer[] DEFAULT '{}', effect_ids uuid[] DEFAULT '{}', effect_destinations text[] DEFAULT '{}',
    effect_keys text[] DEFAULT '{}', effect_event_ids uuid[] DEFAULT '{}', effect_data json[] DEFAULT '{}'
)
-- One row that says `all` when each append was written and its stream's id was known; else one per append.
RETURNS TABLE (
    verdict text,              -- all | written | known | conflict | guarded
    stream bigint,             -- written: the stream's id
    first_position bigint,     -- all, written: of the first event
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
    log_start bigint;                -- before the batch
    log_end bigint;
    updated bigint;
    guard record;
    broken_guards integer[] := '{}';
    refused integer[] := '{}';       -- appends whose key is known, or of whose guards one doesn't hold
    all_won boolean;
    won boolean[] := '{}';           -- per append, where not all have
    no_row boolean;
    new_rows boolean := false;
    strangers boolean := false;      -- whether the caller didn't know an id
    -- Per append, where one has something to say of its own:
    no_rows boolean[] := '{}';       -- written, and has no row yet (a rebuild may have emptied the table)
    firsts bigint[] := '{}';         -- position of the first event; 0 for losers
BEGIN
    -- Held until after the commit: commit order is position order, over all replicas. (An assignment of nothing: cheaper
    -- than a statement, and a step of its own all the same.)
    done := pg_advisory_xact_lock(7165066908724391783);
    SELECT e.position INTO log_start FROM events e ORDER BY e.position DESC LIMIT 1;
    log_start := coalesce(log_start, 0);

    IF array_position(streams, NULL) IS NOT NULL THEN
        strangers := true;
        FOR i IN 1 .. cardinality(expected) LOOP
            IF streams[i] IS NULL THEN
                streams[i] := (SELECT s.id FROM streams s WHERE s.key = keys[i]);
            END IF;
        END LOOP;
    END IF;

    -- First the keys: a repeat gets the first answer, whatever has happened to the stream since.
    IF cardinality(scopes) > 0 THEN
        SELECT coalesce(array_agg(a.append::integer), '{}') INTO refused
        FROM unnest(scopes, idempotency_keys) WITH ORDINALITY AS a (scope, key, append)
        JOIN answers k ON k.scope = a.scope AND k.key = a.key;
    END IF;

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
                    SELECT r.stream FROM read_models r
                    WHERE r.holder = split_part(g.subject, '/', 1) AND r.claimant = g.subject AND r.unstarted LIMIT 1
                ) IS NULL
                -- The subject is the issue's key and the lease's epoch, the bound a time in milliseconds since 1970.
                WHEN 'lease_silent_since' THEN NOT EXISTS (
                    SELECT FROM lease_renewals l
                    WHERE l.key = split_part(g.subject, '@', 1) AND l.epoch = split_part(g.subject, '@', 2)::integer
                        AND greatest(l.renewed_at, l.delivered_at, l.worked_at)
                            >= to_timestamp(0) + (g.bound + 1) * interval '1 millisecond'
                )
            END
            GROUP BY g.append
        LOOP
            broken_guards[guard.append] := guard.nth;
            refused := refused || guard.append;
        END LOOP;
    END IF;

    UPDATE read_models r
    SET version = a.expected + a.count, projection = row_projection, shown = a.shown, state = a.state,
        priority = a.priority, holder = a.holder, claimant = a.claimant, unstarted = a.unstarted, head = a.head,
        document = a.document, body = coalesce(a.body, r.body)
    FROM unnest(streams, expected, counts, row_shown, row_states, row_priorities, row_holders, row_claimants,
            row_unstarted, row_heads, row_documents, row_bodies)
        WITH ORDINALITY AS a (stream, expected, count, shown, state, priority, holder, claimant, unstarted, head, document,
            body, append)
    WHERE r.stream = a.stream AND r.version = a.expected AND a.append <> ALL (refused);
    GET DIAGNOSTICS updated = ROW_COUNT;

    all_won := updated = cardinality(expected);

    IF all_won AND cardinality(scopes) = 0 AND cardinality(effect_appends) = 0 AND NOT strangers THEN
        NULL;  -- Nothing needs to be known about single appends.
    ELSE
        IF updated > 0 AND NOT all_won THEN
            -- Rows that this transaction wrote.
            SELECT array_agg(r.stream IS NOT NULL ORDER BY a.append) INTO won
            FROM unnest(streams) WITH ORDINALITY AS a (stream, append)
            LEFT JOIN read_models r ON r.stream = a.stream AND r.xmin = pg_current_xact_id()::xid;
        END IF;
        log_end := log_start;
        FOR i IN 1 .. cardinality(expected) LOOP
            verdict := NULL; actual := NULL; broken := NULL; held_kind := NULL; held_name := NULL;
            known_fingerprint := NULL;
            no_row := false;
            IF all_won OR won[i] THEN
                verdict := 'written';
            ELSE
                IF scopes[i] IS NOT NULL THEN
                    SELECT k.fingerprint, k.kept_at, k.first_version, k.last_version, k.first_position, k.last_position
                    INTO known_fingerprint, known_time, known_first_version, known_last_version, known_first_position,
                        known_last_position
                    FROM answers k WHERE k.scope = scopes[i] AND k.key = idempotency_keys[i];
                END IF;
                actual := coalesce((
                    SELECT e.version FROM events e WHERE e.stream = streams[i] ORDER BY e.version DESC LIMIT 1
                ), 0);
                IF known_fingerprint IS NOT NULL THEN
                    verdict := 'known';
                ELSIF actual <> expected[i] THEN
                    verdict := 'conflict';
                ELSIF broken_guards[i] IS NOT NULL THEN
                    verdict := 'guarded';
                    broken := broken_guards[i];
                    IF guard_rules[broken] = 'nothing_unstarted' THEN
                        SELECT s.kind, s.name INTO held_kind, held_name
                        FROM read_models r JOIN streams s ON s.id = r.stream
                        WHERE r.holder = split_part(guard_subjects[broken], '/', 1)
                            AND r.claimant = guard_subjects[broken] AND r.unstarted LIMIT 1;
                    END IF;
                ELSE
                    -- A stream without a row: a new one, or one of a table that is being made anew.
                    verdict := 'written';
                    no_row := true;
                    new_rows := true;
                END IF;
            END IF;
            IF verdict = 'written' THEN
                firsts[i] := log_end + 1;
                log_end := log_end + counts[i];
                -- A stream's id is the position of its first event.
                streams[i] := coalesce(streams[i], firsts[i]);
            ELSE
                firsts[i] := 0;
            END IF;
            no_rows[i] := no_row;
            IF NOT all_won OR strangers THEN
                stream := streams[i];
                first_position := firsts[i];
                RETURN NEXT;
            END IF;
        END LOOP;
        IF log_end = log_start THEN
            RETURN;
        END IF;
    END IF;

    IF new_rows THEN
        INSERT INTO streams (id, key, kind, name, sort_name, number)
        SELECT firsts[a.append], a.key, a.kind, a.name, a.sort_name, a.number
        FROM unnest(keys, kinds, names, sort_names, numbers) WITH ORDINALITY
            AS a (key, kind, name, sort_name, number, append)
        WHERE expected[a.append] = 0 AND firsts[a.append] > 0;

        INSERT INTO read_models (stream, kind, version, projection, shown, sort_name, number, state, priority, holder,
            claimant, unstarted, head, document, body)
        SELECT s.id, s.kind, expected[a.append] + counts[a.append], row_projection, a.shown, s.sort_name, s.number,
            a.state, a.priority, a.holder, a.claimant, a.unstarted, a.head, a.document, a.body
        FROM unnest(row_shown, row_states, row_priorities, row_holders, row_claimants, row_unstarted, row_heads,
                row_documents, row_bodies)
            WITH ORDINALITY AS a (shown, state, priority, holder, claimant, unstarted, head, document, body, append)
        JOIN streams s ON s.id = streams[a.append]
        WHERE no_rows[a.append];
    END IF;

    IF all_won THEN
        log_end := log_start + cardinality(event_appends);
        INSERT INTO events (position, stream, version, id, type, schema, time, data, metadata)
        SELECT log_start + e.nth, streams[e.append], expected[e.append] + 1 + e.place, e.id, e.type, e.schema,
            times[e.append], e.data, e.metadata
        FROM unnest(event_appends, event_places, event_ids, event_types, event_schemas, event_data, event_metadata)
            WITH ORDINALITY AS e (append, place, id, type, schema, data, metadata, nth);
    ELSE
        INSERT INTO events (position, stream, version, id, type, schema, time, data, metadata)
        SELECT firsts[e.append] + e.place, streams[e.append], expected[e.append] + 1 + e.place, e.id, e.type, e.schema,
            times[e.append], e.data, e.metadata
        FROM unnest(event_appends, event_places, event_ids, event_types, event_schemas, event_data, event_metadata)
            AS e (append, place, id, type, schema, data, metadata)
        WHERE firsts[e.append] > 0;
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
        SELECT a.scope, a.key, a.fingerprint, times[a.append], streams[a.append], expected[a.append] + 1,
            expected[a.append] + counts[a.append], firsts[a.append], firsts[a.append] + counts[a.append] - 1
        FROM unnest(scopes, idempotency_keys, fingerprints) WITH ORDINALITY AS a (scope, key, fingerprint, append)
        WHERE a.scope IS NOT NULL AND firsts[a.append] > 0;
    END IF;

    IF all_won AND NOT strangers THEN
        verdict := 'all';
        stream := NULL;
        first_position := log_start + 1;
        RETURN NEXT;
    END IF;
    IF announce THEN
        done := pg_notify('conductor_log', log_end::text);
    END IF;
END
$$;

-- The same for what is asked most often by a lone caller: one event, to a stream that is known and has its row, of which nothing
-- but the version has to be judged. Scalars cost the server a tenth of an append less than arrays of one.
--
-- Returns the event's position; nothing where the stream stands elsewhere: then nothing was written, and `append_batch` says
-- what is the matter.
CREATE FUNCTION append_one(
    stream_id bigint, expected bigint, at timestamptz,
    event_id uuid, event_type text, event_schema integer, event_data text, event_metadata text,
    row_projection integer, row_shown boolean, row_state text, row_priority text, row_holder text, row_claimant text,
    row_unstarted boolean, row_head text, row_document text, row_body text,
    announce boolean
)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    done text;
    at_position bigint;
BEGIN
    done := pg_advisory_xact_lock(7165066908724391783);
    UPDATE read_models r
    SET version = expected + 1, projection = row_projection, shown = row_shown, state = row_state, priority = row_priority,
        holder = row_holder, claimant = row_claimant, unstarted = row_unstarted, head = row_head,
        document = row_document, body = coalesce(row_body, r.body)
    WHERE r.stream = stream_id AND r.version = expected;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO events (position, stream, version, id, type, schema, time, data, metadata)
    VALUES (
        (SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1) + 1,
        stream_id, expected + 1, event_id, event_type, event_schema, at, event_data, event_metadata
    )
    RETURNING position INTO at_position;
    IF announce THEN
        done := pg_notify('conductor_log', at_position::text);
    END IF;
    RETURN at_position;
END
$$;
