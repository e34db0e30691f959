-- A running job of which nothing is queued or in flight is done. One without any URL is being seeded: whoever seeds makes
-- the job first.
WITH at(now, job) AS (VALUES (?, ?))
UPDATE jobs
   SET state = 'done', finished_at = at.now
  FROM at
 WHERE jobs.id = at.job
   AND jobs.state = 'running'
   AND NOT EXISTS (SELECT 1 FROM counts WHERE job = at.job AND state IN (0, 1) AND urls > 0)
   AND EXISTS (SELECT 1 FROM counts WHERE job = at.job)
