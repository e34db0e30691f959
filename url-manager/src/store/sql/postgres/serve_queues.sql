-- Queues that gave URLs away (or, with none, must wait longer for their host).
WITH input(id, taken, ready_at, ahead) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint, (line ->> 2)::bigint, (line ->> 3)::bigint
      FROM json_array_elements($1::json) AS line
)
UPDATE queues
   SET queued = queues.queued - input.taken, leased = queues.leased + input.taken,
       ready_at = input.ready_at, ahead = input.ahead
  FROM input
 WHERE queues.id = input.id
