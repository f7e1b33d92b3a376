-- Operational tables: joined by the API, never touched by a rebuild of the read models.

-- First answers, by idempotency key: an append's receipt, or a literal answer.
CREATE TABLE answers (
    scope          text        NOT NULL COLLATE "C",
    key            text        NOT NULL COLLATE "C",
    fingerprint    text        NOT NULL,
    kept_at        timestamptz NOT NULL,
    stream         bigint,
    first_version  bigint,
    last_version   bigint,
    first_position bigint,
    last_position  bigint,
    status         integer,
    body           text,
    PRIMARY KEY (scope, key),
    CHECK ((stream IS NULL) = (status IS NOT NULL))
);
CREATE INDEX answers_by_age ON answers (kept_at);

CREATE TABLE heartbeats (
    agent    text        NOT NULL COLLATE "C",
    instance text        NOT NULL COLLATE "C",  -- empty: the bare id
    at       timestamptz NOT NULL,
    PRIMARY KEY (agent, instance)
) WITH (fillfactor = 50);

-- Checks whose head no known pull request has yet.
CREATE TABLE early_checks (
    place    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repo_key text        NOT NULL COLLATE "C",
    repo     text        NOT NULL,
    head     text        NOT NULL COLLATE "C",
    "check"  json        NOT NULL,
    kept_at  timestamptz NOT NULL
);
CREATE INDEX early_checks_by_head ON early_checks (repo_key, head);
CREATE INDEX early_checks_by_age ON early_checks (kept_at);
