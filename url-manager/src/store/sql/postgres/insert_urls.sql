-- New rows. One that is there already stays as it is.
WITH input(queue, key, state, priority, depth, parent, redirects, code, url) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::uuid, (line ->> 2)::smallint, (line ->> 3)::smallint, (line ->> 4)::integer, (line ->> 5)::bigint, (line ->> 6)::smallint, line ->> 7, line ->> 8
      FROM json_array_elements($1::json) AS line
)
INSERT INTO urls (queue, key, state, priority, depth, parent, redirects, code, url, found_at, changed_at)
SELECT queue, key, state, priority, depth, parent, redirects, code, url, $2::bigint, $2::bigint
  FROM input
    ON CONFLICT (queue, key) DO NOTHING
