-- Conversations of a user. `sealed` is the data key of the session, sealed by the master key
-- `key_id`; deleting the row is erasure. `digest` is the summary of the older exchanges as JSON,
-- sealed by the data key. `holder` is the run that speaks in it, or did last: it counts while that
-- run is leased. Times are microseconds since 1970; `ttl` and `expires` are NULL where the session
-- is kept for ever.
CREATE TABLE sessions (
    tenant    TEXT    NOT NULL,
    principal TEXT    NOT NULL,
    session   BLOB    NOT NULL,
    name      TEXT,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    ttl       INTEGER,
    expires   INTEGER AS (updated + ttl),
    holder    BLOB,
    key_id    TEXT    NOT NULL,
    sealed    BLOB    NOT NULL,
    digest    BLOB,
    PRIMARY KEY (tenant, principal, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_end ON sessions (tenant, expires) WHERE expires IS NOT NULL;
CREATE INDEX sessions_by_key ON sessions (key_id);

-- What was said in each run of a session: messages as JSON, sealed by the session's key.
CREATE TABLE exchanges (
    position  INTEGER PRIMARY KEY,
    tenant    TEXT    NOT NULL,
    principal TEXT    NOT NULL,
    session   BLOB    NOT NULL,
    run       BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    sealed    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX exchanges_by_run ON exchanges (tenant, principal, session, run);

-- The master key in force, since it was changed for the first time: its name, never the key.
CREATE TABLE master_key (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    key_id TEXT NOT NULL
) STRICT;
