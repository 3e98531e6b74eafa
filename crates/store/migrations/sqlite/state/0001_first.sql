-- The facts of every run. Appended at one tail: clustering by run would touch a page per run in
-- each commit. `data` is JSON text, or sealed bytes where `key_id` names the key.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY,
    tenant   TEXT    NOT NULL,
    run      BLOB    NOT NULL,
    seq      INTEGER NOT NULL,
    v        INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    data     ANY     NOT NULL,
    key_id   TEXT
) STRICT;
CREATE UNIQUE INDEX journal_by_run ON journal (tenant, run, seq);

-- Who may append to a run. A row exists while a run is held.
CREATE TABLE leases (
    tenant  TEXT    NOT NULL,
    run     BLOB    NOT NULL,
    owner   BLOB    NOT NULL,
    process BLOB    NOT NULL,
    fence   INTEGER NOT NULL,
    PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;

-- The last fence given out, so that lease rows can be deleted and fences still only rise.
CREATE TABLE fences (
    tenant TEXT    NOT NULL PRIMARY KEY,
    last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A run's line in lists: `data` is its summary as JSON.
CREATE TABLE runs (
    tenant TEXT NOT NULL,
    run    BLOB NOT NULL,
    status TEXT NOT NULL,
    data   ANY  NOT NULL,
    key_id TEXT,
    PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;

-- Settled calls. Token counts are NULL where nobody counted; cost is in nano-dollars.
CREATE TABLE ledger (
    position           INTEGER PRIMARY KEY,
    tenant             TEXT    NOT NULL,
    at                 INTEGER NOT NULL,
    run                BLOB    NOT NULL,
    seq                INTEGER NOT NULL,
    root               BLOB    NOT NULL,
    agent              TEXT    NOT NULL,
    model              TEXT    NOT NULL,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    cache_read_tokens  INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens   INTEGER,
    cost               INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_by_time ON ledger (tenant, at);

-- Bytes by their SHA-256. A rowid table, because large rows make a clustered key slow.
CREATE TABLE blobs (
    position INTEGER PRIMARY KEY,
    tenant   TEXT NOT NULL,
    hash     BLOB NOT NULL,
    data     BLOB NOT NULL,
    key_id   TEXT
) STRICT;
CREATE UNIQUE INDEX blobs_by_hash ON blobs (tenant, hash);

-- The data key of a run tree, sealed by the master key. Deleting the row is erasure.
CREATE TABLE vault_keys (
    tenant TEXT NOT NULL,
    root   BLOB NOT NULL,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (tenant, root)
) STRICT, WITHOUT ROWID;

-- What placeholders stand for, sealed by the data key.
CREATE TABLE vault_values (
    position    INTEGER PRIMARY KEY,
    tenant      TEXT NOT NULL,
    root        BLOB NOT NULL,
    placeholder TEXT NOT NULL,
    sealed      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX vault_values_by_root ON vault_values (tenant, root, placeholder);

-- Kill switches that are on. `tenant` is a tenant or `*`, which no tenant can be called.
CREATE TABLE switches (
    tenant TEXT    NOT NULL PRIMARY KEY,
    by     TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every throw and lift.
CREATE TABLE switch_history (
    position INTEGER PRIMARY KEY,
    tenant   TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    by       TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

-- One row, rewritten to measure how long a commit takes.
CREATE TABLE probe (
    position INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL
) STRICT;
