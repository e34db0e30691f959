-- Moves the counts of queues.
WITH input(id, queued, leased) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint, (line ->> 2)::bigint
      FROM json_array_elements($1::json) AS line
),
locked AS (
    SELECT id FROM queues WHERE id IN (SELECT id FROM input) ORDER BY id FOR UPDATE
)
UPDATE queues
   SET queued = queues.queued + input.queued, leased = queues.leased + input.leased
  FROM input JOIN locked ON locked.id = input.id
 WHERE queues.id = input.id
