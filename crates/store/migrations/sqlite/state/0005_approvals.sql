-- Questions to people, the answers, and the rights to answer that were handed on. `data` is JSON
-- text; `seal` vouches for it with the store's key. An answer is written once for each principal.
CREATE TABLE approvals (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant   TEXT NOT NULL,
    id       BLOB NOT NULL,
    data     TEXT NOT NULL,
    seal     BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX approvals_by_id ON approvals (tenant, id);

CREATE TABLE approval_votes (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant    TEXT NOT NULL,
    id        BLOB NOT NULL,
    principal TEXT NOT NULL,
    data      TEXT NOT NULL,
    seal      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX approval_votes_by_id ON approval_votes (tenant, id, principal);

CREATE TABLE approval_tokens (
    tenant    TEXT    NOT NULL,
    hash      BLOB    NOT NULL,
    id        BLOB    NOT NULL,
    granted   TEXT    NOT NULL,
    principal TEXT    NOT NULL,
    seal      BLOB    NOT NULL,
    used      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;
