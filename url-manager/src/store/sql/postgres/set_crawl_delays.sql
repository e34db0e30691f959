-- What hosts ask for in robots.txt.
WITH input(id, delay) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint
      FROM json_array_elements($1::json) AS line
),
locked AS (
    SELECT id FROM hosts WHERE id IN (SELECT id FROM input) ORDER BY id FOR UPDATE
)
UPDATE hosts
   SET crawl_delay_ms = input.delay
  FROM input JOIN locked ON locked.id = input.id
 WHERE hosts.id = input.id
