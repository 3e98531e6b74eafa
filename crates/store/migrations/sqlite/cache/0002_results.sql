-- Results of tools that may be given again. `data` is JSON text, or sealed bytes where `key_id`
-- names the key. Positions rise, so that the oldest go first when the file is full.
CREATE TABLE results (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant   TEXT    NOT NULL,
    key      BLOB    NOT NULL,
    expires  INTEGER NOT NULL,
    data     ANY     NOT NULL,
    key_id   TEXT
) STRICT;
CREATE UNIQUE INDEX results_by_key ON results (tenant, key);
CREATE INDEX results_by_expiry ON results (expires);
