-- A running job of which nothing is queued or in flight is done. One without any URL is being seeded: whoever seeds makes
-- the job first.
UPDATE jobs
   SET state = 'done', finished_at = $1::bigint
 WHERE id = $2::bigint
   AND state = 'running'
   AND NOT EXISTS (SELECT 1 FROM counts WHERE job = $2::bigint AND state IN (0, 1) AND urls > 0)
   AND EXISTS (SELECT 1 FROM counts WHERE job = $2::bigint)
