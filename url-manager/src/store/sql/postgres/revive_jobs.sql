-- Jobs that were done and have something to fetch again.
WITH input(id) AS (
    SELECT (line ->> 0)::bigint
      FROM json_array_elements($1::json) AS line
)
UPDATE jobs
   SET state = 'running', finished_at = NULL
  FROM input
 WHERE jobs.id = input.id AND jobs.state = 'done'
