-- One row per stream: its state as the last append left it. Everything here can be rebuilt from the log.
-- Each index costs every change of state an entry, so there are few, and columns of fixed width come first.
CREATE TABLE read_models (
    stream     bigint  PRIMARY KEY,
    version    bigint  NOT NULL,
    number     bigint  NOT NULL,         -- as in `streams`, for pages within one state
    projection integer NOT NULL,         -- of the code that wrote the document; another one replays instead
    shown      boolean NOT NULL,         -- whether readers see it (an issue that was never approved: no)
    unstarted  boolean NOT NULL,         -- whether the holder has not begun
    kind       text    NOT NULL,
    state      text COLLATE "C",
    sort_name  text    NOT NULL COLLATE "C",     -- as in `streams`
    priority   text COLLATE "C",
    holder     text COLLATE "C",                 -- agent with a live lease, all its instances together
    claimant   text COLLATE "C",                 -- the same with its instance
    head       text COLLATE "C",                 -- current head of a pull request
    document   text    NOT NULL,         -- JSON; not checked by the server, since nothing but the codec writes it
    body       text                      -- kept beside the document, never in memory
) WITH (fillfactor = 80);                -- room on the page, so that most updates touch no index

CREATE INDEX read_models_by_state ON read_models (kind, state, sort_name, number) WHERE shown;
CREATE INDEX read_models_by_holder ON read_models (holder) WHERE holder IS NOT NULL;
CREATE INDEX read_models_by_head ON read_models (head) WHERE head IS NOT NULL;
