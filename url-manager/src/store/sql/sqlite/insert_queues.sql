-- Queues that may be new.
WITH input(job, host, ahead) AS (VALUES {rows})
INSERT INTO queues (job, host, ahead)
SELECT input.job, h.id, input.ahead
  FROM input CROSS JOIN hosts AS h ON h.host = input.host
 WHERE true
    ON CONFLICT DO NOTHING
