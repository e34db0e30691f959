-- Moves the counts of jobs. Last in its transaction: every batch of a job waits for these rows.
WITH input(job, state, urls) AS (VALUES {rows})
INSERT INTO counts (job, state, urls)
SELECT job, state, urls FROM input WHERE job IS NOT NULL
    ON CONFLICT (job, state) DO UPDATE SET urls = counts.urls + excluded.urls
