-- Effects of events, written in the transaction of their events, until they are delivered.
CREATE TABLE outbox (
    id           uuid        PRIMARY KEY,
    place        bigint      GENERATED ALWAYS AS IDENTITY,  -- order of commit: given under the log's lock
    destination  text        NOT NULL,
    key          text        NOT NULL COLLATE "C",  -- effects of one key go out in order
    event_id     uuid        NOT NULL,
    effect       json        NOT NULL,
    since        timestamptz NOT NULL,
    attempts     integer     NOT NULL DEFAULT 0,
    retry_at     timestamptz,           -- absent: at once
    last_error   text,
    delivered_at timestamptz,
    dead         boolean     NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX outbox_waiting ON outbox (destination, place) WHERE delivered_at IS NULL AND NOT dead;
CREATE INDEX outbox_waiting_by_key ON outbox (destination, key, place) WHERE delivered_at IS NULL AND NOT dead;
CREATE INDEX outbox_dead ON outbox (place) WHERE dead;
CREATE INDEX outbox_delivered ON outbox (since) WHERE delivered_at IS NOT NULL;

-- Webhook deliveries, stored before they are answered.
CREATE TABLE inbox (
    id           text        PRIMARY KEY COLLATE "C",
    place        bigint      GENERATED ALWAYS AS IDENTITY,
    event        text        NOT NULL,
    ordering_key text        NOT NULL COLLATE "C",
    body         text,                  -- as signed; dropped after a week
    received_at  timestamptz NOT NULL,
    state        text        NOT NULL CHECK (state IN ('waiting', 'worked', 'ignored', 'dead')),
    outcome      text,                  -- what came of it, or why nothing did
    attempts     integer     NOT NULL DEFAULT 0,
    retry_at     timestamptz,
    last_error   text
) WITH (fillfactor = 80);
CREATE INDEX inbox_waiting ON inbox (place) WHERE state = 'waiting';
CREATE INDEX inbox_waiting_by_key ON inbox (ordering_key, place) WHERE state = 'waiting';
CREATE INDEX inbox_dead ON inbox (place) WHERE state = 'dead';
CREATE INDEX inbox_by_age ON inbox (received_at);
