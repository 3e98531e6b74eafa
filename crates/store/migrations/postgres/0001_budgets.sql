-- What each scope may spend, has spent and has set aside, in nano-dollars. Limits are NULL where
-- there is none; `day` counts from 1970-01-01, `month` from year 0.
CREATE TABLE IF NOT EXISTS budgets (
    tenant      text   NOT NULL,
    kind        text   NOT NULL,
    name        text   NOT NULL,
    limit_total bigint,
    limit_day   bigint,
    limit_month bigint,
    spent       bigint NOT NULL DEFAULT 0,
    spent_day   bigint NOT NULL DEFAULT 0,
    spent_month bigint NOT NULL DEFAULT 0,
    day         bigint NOT NULL DEFAULT 0,
    month       bigint NOT NULL DEFAULT 0,
    reserved    bigint NOT NULL DEFAULT 0,
    estimated   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, kind, name)
);

-- Money set aside, with the process that did it. `scopes` is a JSON array of kind and name;
-- `reported` is what it has cost so far; `estimated` is what was booked when its owner was gone.
CREATE TABLE IF NOT EXISTS reservations (
    tenant    text   NOT NULL,
    owner     bytea  NOT NULL,
    number    bigint NOT NULL,
    amount    bigint NOT NULL,
    scopes    text   NOT NULL,
    reported  bigint,
    estimated bigint,
    PRIMARY KEY (tenant, owner, number)
);
CREATE INDEX IF NOT EXISTS reservations_by_owner ON reservations (owner) WHERE estimated IS NULL;
