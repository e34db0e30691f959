-- Rows by queue and key. In PostgreSQL they are locked, in one order for all.
WITH input(ord, queue, key) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint, (line ->> 2)::uuid
      FROM json_array_elements($1::json) AS line
),
locked AS (
    SELECT input.ord, u.*
      FROM input JOIN urls AS u ON u.queue = input.queue AND u.key = input.key
     ORDER BY u.id
       FOR UPDATE OF u
)
SELECT json_agg(json_build_array(u.ord, {url}))::text
  FROM locked AS u
