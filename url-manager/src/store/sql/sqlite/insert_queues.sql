-- Queues that may be new.
WITH input(job, host, ahead, shard) AS (VALUES {rows})
INSERT INTO queues (job, host, ahead, shard)
SELECT input.job, h.id, input.ahead, input.shard
  FROM input CROSS JOIN hosts AS h ON h.host = input.host
 WHERE true
    ON CONFLICT DO NOTHING
