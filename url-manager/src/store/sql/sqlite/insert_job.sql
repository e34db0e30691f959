-- A new job. The name may be taken: then nothing happens.
WITH input(uuid, name, spec) AS (VALUES {rows})
INSERT INTO jobs (uuid, name, spec, state, created_at)
SELECT uuid, name, spec, 'running', ?
  FROM input
 WHERE uuid IS NOT NULL
    ON CONFLICT (name) DO NOTHING
