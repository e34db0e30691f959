-- Queues that gave URLs away (or, with none, must wait longer for their host).
WITH input(id, taken, ready_at, ahead) AS (VALUES {rows})
UPDATE queues
   SET queued = queues.queued - input.taken, leased = queues.leased + input.taken,
       ready_at = input.ready_at, ahead = input.ahead
  FROM input
 WHERE queues.id = input.id
