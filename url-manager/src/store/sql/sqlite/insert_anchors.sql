-- More for a scope to hang on; the number of new ones is what the statement changed.
WITH input(job, anchor) AS (VALUES {rows})
INSERT INTO anchors (job, anchor)
SELECT job, anchor FROM input WHERE job IS NOT NULL
    ON CONFLICT DO NOTHING
