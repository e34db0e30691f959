-- Moves the counts of what rules keep out.
WITH input(job, code, urls) AS (VALUES {rows})
INSERT INTO exclusions (job, code, urls)
SELECT job, code, urls FROM input WHERE job IS NOT NULL
    ON CONFLICT (job, code) DO UPDATE SET urls = exclusions.urls + excluded.urls
