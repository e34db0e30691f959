-- All that is recorded of a URL.
WITH input(queue, key) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::uuid
      FROM json_array_elements($1::json) AS line
)
SELECT json_agg(json_build_object(
           'state', u.state, 'depth', u.depth, 'round', u.round, 'priority', u.priority,
           'found_on', p.url, 'redirects', u.redirects, 'code', u.code, 'detail', u.detail, 'status', u.status,
           'redirect_to', u.redirect_to, 'dispatches', u.dispatches, 'failures', u.failures,
           'lease_until', u.lease_until, 'found_at', u.found_at, 'changed_at', u.changed_at,
           'host_next_at', h.next_at, 'crawl_delay_ms', h.crawl_delay_ms, 'queued_on_host', q.queued, 'leased_on_host', q.leased,
           'next_visit_at', r.due_at, 'attempts', a.history::json))::text
  FROM input
       JOIN urls AS u ON u.queue = input.queue AND u.key = input.key
       JOIN queues AS q ON q.id = u.queue
       JOIN hosts AS h ON h.id = q.host
       LEFT JOIN urls AS p ON p.id = u.parent
       LEFT JOIN revisits AS r ON r.url = u.id
       LEFT JOIN attempts AS a ON a.url = u.id
