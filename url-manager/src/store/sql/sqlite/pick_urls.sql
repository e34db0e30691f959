-- The best URLs of queues: priority, then depth, then age; the same number from each at most.
-- (`+ 0`: SQLite would plan the statement anew for every value of a bare LIMIT.)
WITH input(queue) AS (VALUES {rows})
SELECT json_group_array(json_array(u.queue, u.priority, u.depth, u.id, u.url, u.round, u.redirects, p.url, r.etag, r.last_modified))
  FROM input
       CROSS JOIN urls AS u ON u.id IN (
           SELECT w.id
             FROM urls AS w
            WHERE w.queue = input.queue AND w.state = 0
            ORDER BY w.priority DESC, w.depth, w.id
            LIMIT ? + 0)
       LEFT JOIN urls AS p ON p.id = u.parent
       LEFT JOIN revisits AS r ON u.round > 0 AND r.url = u.id
