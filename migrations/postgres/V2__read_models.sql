-- One row per stream: its state as the last append left it. Everything here can be rebuilt from the log.
CREATE TABLE read_models (
    stream     bigint  PRIMARY KEY,
    kind       text    NOT NULL,
    version    bigint  NOT NULL,
    projection integer NOT NULL,         -- of the code that wrote the document; another one replays instead
    shown      boolean NOT NULL,         -- whether readers see it (an issue that was never approved: no)
    sort_name  text    NOT NULL COLLATE "C",  -- order of pages: lower-case repository, or the agent's id
    number     bigint  NOT NULL,         -- 0 for what has none
    state      text COLLATE "C",
    priority   text COLLATE "C",
    holder     text COLLATE "C",                 -- agent with a live lease, all its instances together
    claimant   text COLLATE "C",                 -- the same with its instance
    unstarted  boolean NOT NULL,         -- whether that lease was not begun
    head       text COLLATE "C",                 -- current head of a pull request
    document   text    NOT NULL,         -- JSON; not checked by the server, since nothing but the codec writes it
    body       text                      -- kept beside the document, never in memory
) WITH (fillfactor = 80);                -- room on the page, so that most updates touch no index

CREATE INDEX read_models_by_name ON read_models (kind, sort_name, number) WHERE shown;
CREATE INDEX read_models_by_state ON read_models (kind, state, sort_name, number) WHERE shown;
CREATE INDEX read_models_by_holder ON read_models (holder) WHERE holder IS NOT NULL;
CREATE INDEX read_models_by_claimant ON read_models (claimant) WHERE unstarted;
CREATE INDEX read_models_by_head ON read_models (head) WHERE head IS NOT NULL;
-- Finds what a build with newer projections must make anew. The column changes with the build alone.
CREATE INDEX read_models_by_projection ON read_models (projection);
