-- The queues of jobs on hosts, with what is known of the host.
WITH input(ord, job, host) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint, line ->> 2
      FROM json_array_elements($1::json) AS line
)
SELECT json_agg(json_build_array(input.ord, q.id, h.id, h.crawl_delay_ms, h.address))::text
  FROM input
       JOIN hosts AS h ON h.host = input.host
       JOIN queues AS q ON q.job = input.job AND q.host = h.id
