-- URLs go out under a lease.
WITH input(id, lease_until) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint
      FROM json_array_elements($1::json) AS line
)
UPDATE urls
   SET state = 1, dispatches = urls.dispatches + 1, lease_until = input.lease_until, changed_at = $2::bigint
  FROM input
 WHERE urls.id = input.id
