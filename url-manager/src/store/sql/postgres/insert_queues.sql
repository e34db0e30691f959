-- Queues that may be new.
WITH input(job, host, ahead, shard) AS (
    SELECT (line ->> 0)::bigint, line ->> 1, (line ->> 2)::bigint, (line ->> 3)::bigint
      FROM json_array_elements($1::json) AS line
)
INSERT INTO queues (job, host, ahead, shard)
SELECT input.job, h.id, input.ahead, input.shard
  FROM input JOIN hosts AS h ON h.host = input.host
 ORDER BY input.job, h.id
    ON CONFLICT DO NOTHING
