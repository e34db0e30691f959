-- Writes rows back.
WITH input(id, state, depth, parent, redirects, round, evidence, status, lease_until, failures, code, detail, redirect_to) AS (VALUES {rows})
UPDATE urls
   SET state = input.state, depth = input.depth, parent = input.parent, redirects = input.redirects,
       round = input.round, evidence = input.evidence, status = input.status, lease_until = input.lease_until,
       failures = input.failures, code = input.code, detail = input.detail,
       redirect_to = input.redirect_to, changed_at = ?
  FROM input
 WHERE urls.id = input.id
