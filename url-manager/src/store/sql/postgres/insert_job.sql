-- A new job. The name may be taken: then nothing happens.
WITH input(uuid, name, spec) AS (
    SELECT line ->> 0, line ->> 1, line ->> 2
      FROM json_array_elements($1::json) AS line
)
INSERT INTO jobs (uuid, name, spec, state, created_at)
SELECT uuid, name, spec, 'running', $2::bigint
  FROM input
    ON CONFLICT (name) DO NOTHING
