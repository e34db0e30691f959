-- What a job has used up at hosts.
WITH input(queue, job, pages, bytes) AS (VALUES {rows})
INSERT INTO host_use (queue, job, pages, bytes, since)
SELECT queue, job, pages, bytes, at.now
  FROM input, (SELECT ? AS now) AS at
 WHERE queue IS NOT NULL
    ON CONFLICT (queue) DO UPDATE SET pages = host_use.pages + excluded.pages, bytes = host_use.bytes + excluded.bytes
