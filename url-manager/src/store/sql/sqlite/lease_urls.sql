-- URLs go out under a lease.
WITH input(id, lease_until) AS (VALUES {rows})
UPDATE urls
   SET state = 1, dispatches = urls.dispatches + 1, lease_until = input.lease_until, changed_at = ?
  FROM input
 WHERE urls.id = input.id
