-- What a job has used up at hosts.
WITH input(queue, job, pages, bytes) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint, (line ->> 2)::bigint, (line ->> 3)::bigint
      FROM json_array_elements($1::json) AS line
)
INSERT INTO host_use (queue, job, pages, bytes, since)
SELECT queue, job, pages, bytes, $2::bigint FROM input ORDER BY queue
    ON CONFLICT (queue) DO UPDATE SET pages = host_use.pages + excluded.pages, bytes = host_use.bytes + excluded.bytes
