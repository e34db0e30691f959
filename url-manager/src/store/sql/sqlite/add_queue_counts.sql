-- Moves the counts of queues.
WITH input(id, queued, leased) AS (VALUES {rows})
UPDATE queues
   SET queued = queues.queued + input.queued, leased = queues.leased + input.leased
  FROM input
 WHERE queues.id = input.id
