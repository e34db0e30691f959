-- Jobs that were done and have something to fetch again.
WITH input(id) AS (VALUES {rows})
UPDATE jobs
   SET state = 'running', finished_at = NULL
  FROM input
 WHERE jobs.id = input.id AND jobs.state = 'done'
