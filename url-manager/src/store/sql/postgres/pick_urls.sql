-- The best URLs of queues: priority, then depth, then age; the same number from each at most.
WITH input(queue) AS (
    SELECT (line ->> 0)::bigint
      FROM json_array_elements($1::json) AS line
)
SELECT json_agg(json_build_array(u.queue, u.priority, u.depth, u.id, u.url, u.round, u.redirects, p.url, r.etag, r.last_modified))::text
  FROM input
       CROSS JOIN LATERAL (
           SELECT w.queue, w.priority, w.depth, w.id, w.url, w.round, w.redirects, w.parent
             FROM urls AS w
            WHERE w.queue = input.queue AND w.state = 0
            ORDER BY w.priority DESC, w.depth, w.id
            LIMIT $2::bigint
              FOR UPDATE SKIP LOCKED) AS u
       LEFT JOIN urls AS p ON p.id = u.parent
       LEFT JOIN revisits AS r ON u.round > 0 AND r.url = u.id
