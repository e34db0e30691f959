-- Moves the counts of what rules keep out.
WITH input(job, code, urls) AS (
    SELECT (line ->> 0)::bigint, line ->> 1, (line ->> 2)::bigint
      FROM json_array_elements($1::json) AS line
)
INSERT INTO exclusions (job, code, urls)
SELECT job, code, urls FROM input ORDER BY job, code
    ON CONFLICT (job, code) DO UPDATE SET urls = exclusions.urls + excluded.urls
