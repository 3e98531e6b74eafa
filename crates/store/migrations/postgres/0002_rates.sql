-- Rate limits: the moment, in nanoseconds since 1970, at which all that was taken will have been
-- earned.
CREATE TABLE rates (
    tenant  text   NOT NULL,
    kind    text   NOT NULL,
    name    text   NOT NULL,
    measure text   NOT NULL,
    earned  bigint NOT NULL,
    PRIMARY KEY (tenant, kind, name, measure)
);

-- Makes and locks the rows of limits, always in the same order, so that calls wait for each other
-- and never for ever.
CREATE FUNCTION lock_rates(of_tenant text, kinds text[], names text[], measures text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('largestack.tenant', of_tenant, true);
    INSERT INTO rates
        SELECT DISTINCT of_tenant, k, n, m, 0 FROM unnest(kinds, names, measures) AS t (k, n, m)
        ORDER BY k, n, m
        ON CONFLICT DO NOTHING;
    PERFORM 1 FROM rates AS r
        WHERE r.tenant = of_tenant
          AND (r.kind, r.name, r.measure) IN (SELECT * FROM unnest(kinds, names, measures))
        ORDER BY r.kind, r.name, r.measure
        FOR UPDATE;
END $$;

-- Takes from every limit, or from none. `costs` is how long it takes to earn what is taken, and
-- `bursts` what may be taken at once, both in nanoseconds. Gives the place of the limit that
-- denied, from 1, and how long to wait; 0 where everything was taken.
CREATE FUNCTION take_rates(
    of_tenant text, kinds text[], names text[], measures text[],
    costs bigint[], bursts bigint[], moment bigint,
    OUT denied integer, OUT wait bigint
) LANGUAGE plpgsql AS $$
DECLARE
    befores bigint[] := '{}';
    cell    bigint;
    after   numeric;
BEGIN
    PERFORM lock_rates(of_tenant, kinds, names, measures);
    denied := 0;
    wait := 0;
    FOR i IN 1 .. coalesce(array_length(kinds, 1), 0) LOOP
        SELECT earned INTO cell FROM rates AS r
            WHERE r.tenant = of_tenant AND r.kind = kinds[i] AND r.name = names[i]
              AND r.measure = measures[i];
        after := least(greatest(cell, moment)::numeric + costs[i], 9223372036854775807);
        IF after - moment > bursts[i] THEN
            denied := i;
            wait := after - moment - bursts[i];
            EXIT;
        END IF;
        befores := befores || cell;
        UPDATE rates AS r SET earned = after
            WHERE r.tenant = of_tenant AND r.kind = kinds[i] AND r.name = names[i]
              AND r.measure = measures[i];
    END LOOP;
    IF denied > 0 THEN
        -- In reverse: a limit that is named twice gets its first state back.
        FOR i IN REVERSE denied - 1 .. 1 LOOP
            UPDATE rates AS r SET earned = befores[i]
                WHERE r.tenant = of_tenant AND r.kind = kinds[i] AND r.name = names[i]
                  AND r.measure = measures[i];
        END LOOP;
    END IF;
END $$;

-- Corrects what was taken: `changes` is how many nanoseconds of each limit are owed beyond it, or
-- given back where that is negative. What has been earned meanwhile needs no giving back.
CREATE FUNCTION correct_rates(
    of_tenant text, kinds text[], names text[], measures text[], changes bigint[], moment bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_rates(of_tenant, kinds, names, measures);
    FOR i IN 1 .. coalesce(array_length(kinds, 1), 0) LOOP
        UPDATE rates AS r SET earned = CASE
                WHEN changes[i] > 0 THEN
                    least(greatest(r.earned, moment)::numeric + changes[i], 9223372036854775807)
                ELSE greatest(r.earned::numeric + changes[i], -9223372036854775808)
            END
            WHERE r.tenant = of_tenant AND r.kind = kinds[i] AND r.name = names[i]
              AND r.measure = measures[i];
    END LOOP;
END $$;
