-- A job that somebody wanted to end already when it was taken has heard of that: it may wait, for a moment or
-- for a person, like any other.
DROP FUNCTION conclude_work(text, bytea, bytea, bigint, text, bigint, bigint, text, bigint);

-- Says what becomes of a job; whether it was this process's to say. `becomes` is `done`,
-- `cancelled`, `waiting`, `returned`, `failed` or `poisoned`; one that was woken since it was taken does not wait, nor does
-- one that somebody wants to end since then: `knew_cancel` says whether it was known.
CREATE FUNCTION conclude_work(
    of_tenant text, of_run bytea, by_process bytea, of_fence bigint, becomes text, knew_wakes bigint,
    knew_cancel boolean, of_due bigint, of_error text, moment bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM set_config('largestack.tenant', of_tenant, true);
    UPDATE work AS w SET
            state = CASE becomes
                WHEN 'returned' THEN 'queued'
                WHEN 'waiting' THEN
                    CASE WHEN w.wakes = knew_wakes AND (knew_cancel OR w.cancel IS NULL) THEN 'waiting' ELSE 'queued' END
                WHEN 'failed' THEN
                    CASE WHEN w.attempts < w.most_attempts THEN 'queued' ELSE 'poisoned' END
                ELSE becomes END,
            due = CASE
                WHEN becomes = 'waiting' AND (w.wakes <> knew_wakes OR NOT (knew_cancel OR w.cancel IS NULL)) THEN moment
                WHEN becomes = 'failed' AND w.attempts >= w.most_attempts THEN moment
                ELSE of_due END,
            attempts = CASE becomes
                WHEN 'returned' THEN greatest(w.attempts - 1, 0)
                WHEN 'waiting' THEN 0
                ELSE w.attempts END,
            error = coalesce(of_error, w.error),
            sealed = CASE WHEN becomes NOT IN ('done', 'cancelled') THEN w.sealed END,
            process = NULL, updated = moment
        WHERE w.tenant = of_tenant AND w.run = of_run AND w.state = 'running'
            AND w.process = by_process AND w.fence = of_fence;
    RETURN FOUND;
END $$;
