-- The queues of jobs on hosts, with what is known of the host.
WITH input(ord, job, host) AS (VALUES {rows})
SELECT json_group_array(json_array(input.ord, q.id, h.id, h.crawl_delay_ms, h.address))
  FROM input
       CROSS JOIN hosts AS h ON h.host = input.host
       CROSS JOIN queues AS q ON q.job = input.job AND q.host = h.id
