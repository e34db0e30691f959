-- Generation and state of the jobs a batch touches. No scope widens until the batch is through.
WITH input(id) AS (
    SELECT (line ->> 0)::bigint
      FROM json_array_elements($1::json) AS line
),
locked AS (
    SELECT id, generation, state FROM jobs WHERE id IN (SELECT id FROM input) ORDER BY id FOR SHARE
)
SELECT json_agg(json_build_array(id, generation, state))::text
  FROM locked
