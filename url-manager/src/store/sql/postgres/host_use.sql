-- What a job has used up at hosts.
WITH input(queue) AS (
    SELECT (line ->> 0)::bigint FROM json_array_elements($1::json) AS line
)
SELECT json_agg(json_build_array(u.queue, u.pages, u.bytes, u.since))::text
  FROM input JOIN host_use AS u ON u.queue = input.queue
