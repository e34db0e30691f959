-- Rows by queue and key. In PostgreSQL they are locked, in one order for all.
WITH input(ord, queue, key) AS (VALUES {rows})
SELECT json_group_array(json_array(input.ord, {url}))
  FROM input CROSS JOIN urls AS u ON u.queue = input.queue AND u.key = input.key
