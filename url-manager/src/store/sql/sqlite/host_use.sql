-- What a job has used up at hosts.
WITH input(queue) AS (VALUES {rows})
SELECT json_group_array(json_array(u.queue, u.pages, u.bytes, u.since))
  FROM input CROSS JOIN host_use AS u ON u.queue = input.queue
