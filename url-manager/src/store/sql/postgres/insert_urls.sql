-- New rows. One that is there already stays as it is.
WITH input(queue, key, state, depth, parent, redirects, code, url) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::uuid, (line ->> 2)::smallint, (line ->> 3)::integer, (line ->> 4)::bigint, (line ->> 5)::smallint, line ->> 6, line ->> 7
      FROM json_array_elements($1::json) AS line
)
INSERT INTO urls (queue, key, state, depth, parent, redirects, code, url, found_at, changed_at)
SELECT queue, key, state, depth, parent, redirects, code, url, $2::bigint, $2::bigint
  FROM input
    ON CONFLICT (queue, key) DO NOTHING
