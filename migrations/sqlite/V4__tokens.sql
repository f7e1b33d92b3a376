-- Whose word a secret stands for. The secret itself is kept nowhere.

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    digest       TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),   -- SHA-256 of the secret, hexadecimal
    kind         TEXT NOT NULL CHECK (kind IN ('agent', 'operator', 'viewer')),
    name         TEXT NOT NULL,                                      -- the agent's id, or the person's name
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
