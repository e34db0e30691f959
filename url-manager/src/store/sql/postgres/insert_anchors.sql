-- More for a scope to hang on; the number of new ones is what the statement changed.
WITH input(job, anchor) AS (
    SELECT (line ->> 0)::bigint, line ->> 1
      FROM json_array_elements($1::json) AS line
)
INSERT INTO anchors (job, anchor)
SELECT job, anchor FROM input
    ON CONFLICT DO NOTHING
