-- What attempts died of.
WITH input(url, history) AS (
    SELECT (line ->> 0)::bigint, line ->> 1
      FROM json_array_elements($1::json) AS line
)
INSERT INTO attempts (url, history)
SELECT url, history FROM input
    ON CONFLICT (url) DO UPDATE SET history = excluded.history
