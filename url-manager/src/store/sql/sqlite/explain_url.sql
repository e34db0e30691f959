-- All that is recorded of a URL.
WITH input(queue, key) AS (VALUES {rows})
SELECT json_group_array(json_object(
           'state', u.state, 'depth', u.depth, 'round', u.round, 'priority', u.priority,
           'found_on', p.url, 'redirects', u.redirects, 'code', u.code, 'detail', u.detail, 'status', u.status,
           'redirect_to', u.redirect_to, 'dispatches', u.dispatches, 'failures', u.failures,
           'lease_until', u.lease_until, 'found_at', u.found_at, 'changed_at', u.changed_at,
           'host_next_at', h.next_at, 'crawl_delay_ms', h.crawl_delay_ms, 'queued_on_host', q.queued, 'leased_on_host', q.leased,
           'next_visit_at', r.due_at, 'attempts', json(a.history)))
  FROM input
       CROSS JOIN urls AS u ON u.queue = input.queue AND u.key = input.key
       CROSS JOIN queues AS q ON q.id = u.queue
       CROSS JOIN hosts AS h ON h.id = q.host
       LEFT JOIN urls AS p ON p.id = u.parent
       LEFT JOIN revisits AS r ON r.url = u.id
       LEFT JOIN attempts AS a ON a.url = u.id
