-- Writes rows back.
WITH input(id, state, depth, parent, redirects, round, evidence, status, lease_until, failures, code, detail, redirect_to) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::smallint, (line ->> 2)::integer, (line ->> 3)::bigint, (line ->> 4)::smallint, (line ->> 5)::integer, (line ->> 6)::integer, (line ->> 7)::smallint, (line ->> 8)::bigint, (line ->> 9)::integer, line ->> 10, line ->> 11, line ->> 12
      FROM json_array_elements($1::json) AS line
)
UPDATE urls
   SET state = input.state, depth = input.depth, parent = input.parent, redirects = input.redirects,
       round = input.round, evidence = input.evidence, status = input.status, lease_until = input.lease_until,
       failures = input.failures, code = input.code, detail = input.detail,
       redirect_to = input.redirect_to, changed_at = $2::bigint
  FROM input
 WHERE urls.id = input.id
