-- Whose word a secret stands for. The secret itself is kept nowhere.
CREATE TABLE tokens (
    id           text        PRIMARY KEY COLLATE "C",
    digest       text        NOT NULL UNIQUE CHECK (length(digest) = 64),  -- SHA-256 of the secret, hexadecimal
    kind         text        NOT NULL CHECK (kind IN ('agent', 'operator', 'viewer')),
    name         text        NOT NULL,                                     -- the agent's id, or the person's name
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
