-- The addresses that hosts answer from.
WITH input(id, address) AS (
    SELECT (line ->> 0)::bigint, line ->> 1
      FROM json_array_elements($1::json) AS line
),
locked AS (
    SELECT id FROM hosts WHERE id IN (SELECT id FROM input) ORDER BY id FOR UPDATE
)
UPDATE hosts
   SET address = input.address
  FROM input JOIN locked ON locked.id = input.id
 WHERE hosts.id = input.id
