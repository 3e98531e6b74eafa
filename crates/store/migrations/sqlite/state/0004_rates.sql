-- Rate limits: the moment, in nanoseconds since 1970, at which all that was taken will have been
-- earned.
CREATE TABLE rates (
    tenant  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    measure TEXT    NOT NULL,
    earned  INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name, measure)
) STRICT, WITHOUT ROWID;
