-- Queues of a job whose turn it is and that have room, the longest waiting first. In PostgreSQL they are of some
-- shards, and queues and hosts are this dispatcher's until it is through. A SQLite file has no shards.
-- (`+ 0`: SQLite would plan the statement anew for every value of a bare LIMIT.)
SELECT json_group_array(json_array(q.id, h.id, h.host, h.next_at, h.crawl_delay_ms, q.queued, q.leased, h.domain, h.address))
  FROM (SELECT id, host, queued, leased
          FROM queues
         WHERE job = ? AND queued > 0 AND leased < ahead AND ready_at <= ? AND ? IS NULL
         ORDER BY ready_at
         LIMIT ? + 0) AS q
       CROSS JOIN hosts AS h ON h.id = q.host
