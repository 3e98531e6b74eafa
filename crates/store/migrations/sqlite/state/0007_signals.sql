-- Events from outside, by the run at the top of the tree that they are for, in the order in which they
-- came. `sealed` is who sent it and what it brings, sealed with the store's key and bound to the row's
-- other columns. A call that has heard one is `heard_run` and `heard_effect`. Times are microseconds
-- since 1970.
CREATE TABLE signals (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant       TEXT    NOT NULL,
    root         BLOB    NOT NULL,
    id           TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    received     INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    heard_run    BLOB,
    heard_effect INTEGER
) STRICT;
CREATE UNIQUE INDEX signals_by_id ON signals (tenant, root, id);
