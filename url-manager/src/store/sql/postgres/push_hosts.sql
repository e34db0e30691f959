-- Hosts that must not be asked before a time: their next slots are not before it.
WITH input(id, next_at) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint
      FROM json_array_elements($1::json) AS line
),
locked AS (
    SELECT id FROM hosts WHERE id IN (SELECT id FROM input) ORDER BY id FOR UPDATE
)
UPDATE hosts
   SET next_at = input.next_at
  FROM input JOIN locked ON locked.id = input.id
 WHERE hosts.id = input.id AND hosts.next_at < input.next_at
