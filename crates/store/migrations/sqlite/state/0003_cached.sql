-- Whether a call was answered from the cache: it is a line of the report and cost nothing.
ALTER TABLE ledger ADD COLUMN cached INTEGER NOT NULL DEFAULT 0;
