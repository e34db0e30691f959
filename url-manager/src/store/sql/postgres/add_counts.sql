-- Moves the counts of jobs. Last in its transaction: every batch of a job waits for these rows.
WITH input(job, state, urls) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::smallint, (line ->> 2)::bigint
      FROM json_array_elements($1::json) AS line
)
INSERT INTO counts (job, state, urls)
SELECT job, state, urls FROM input ORDER BY job, state
    ON CONFLICT (job, state) DO UPDATE SET urls = counts.urls + excluded.urls
