-- What each scope may spend, has spent and has set aside, in nano-dollars. Limits are NULL where
-- there is none; `day` counts from 1970-01-01, `month` from year 0.
CREATE TABLE budgets (
    tenant      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    limit_total INTEGER,
    limit_day   INTEGER,
    limit_month INTEGER,
    spent       INTEGER NOT NULL,
    spent_day   INTEGER NOT NULL,
    spent_month INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    month       INTEGER NOT NULL,
    reserved    INTEGER NOT NULL,
    estimated   INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;

-- Money set aside, with the process that did it. `scopes` is a JSON array of kind and name;
-- `reported` is what it has cost so far; `estimated` is what was booked when its owner was gone.
CREATE TABLE reservations (
    tenant    TEXT    NOT NULL,
    owner     BLOB    NOT NULL,
    number    INTEGER NOT NULL,
    amount    INTEGER NOT NULL,
    scopes    TEXT    NOT NULL,
    reported  INTEGER,
    estimated INTEGER,
    PRIMARY KEY (tenant, owner, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_by_owner ON reservations (owner) WHERE estimated IS NULL;
