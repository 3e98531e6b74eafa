-- Replies that may be given again. `data` is JSON text, or sealed bytes where `key_id` names the
-- key. Positions rise, so that the oldest go first when the file is full.
CREATE TABLE replies (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant   TEXT    NOT NULL,
    key      BLOB    NOT NULL,
    expires  INTEGER NOT NULL,
    data     ANY     NOT NULL,
    key_id   TEXT
) STRICT;
CREATE UNIQUE INDEX replies_by_key ON replies (tenant, key);
CREATE INDEX replies_by_expiry ON replies (expires);

-- What pools have learned of their models, as JSON.
CREATE TABLE pools (
    tenant TEXT NOT NULL,
    pool   TEXT NOT NULL,
    data   ANY  NOT NULL,
    PRIMARY KEY (tenant, pool)
) STRICT, WITHOUT ROWID;
