-- A collection has a full-text table of its own (`terms_<id>`), so that word statistics never mix
-- tenants or collections.
CREATE TABLE collections (
    id     INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX collections_by_name ON collections (tenant, name);

CREATE TABLE documents (
    id         INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    collection INTEGER NOT NULL,
    path       TEXT    NOT NULL,
    hash       BLOB    NOT NULL,
    chunks     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_by_path ON documents (tenant, collection, path);

-- `headings` is a JSON array, outermost first.
CREATE TABLE chunks (
    id         INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    document   INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    headings   TEXT    NOT NULL,
    first_line INTEGER NOT NULL,
    last_line  INTEGER NOT NULL,
    first_byte INTEGER NOT NULL,
    end_byte   INTEGER NOT NULL,
    text       TEXT    NOT NULL,
    terms      TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_by_document ON chunks (tenant, document, ordinal);
