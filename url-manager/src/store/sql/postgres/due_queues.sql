-- Queues of a job whose turn it is and that have room, the longest waiting first. In PostgreSQL the queues
-- and hosts are this dispatcher's until it is through; another one passes over them.
WITH due AS (
    SELECT q.id, q.host AS host_id, q.queued, q.leased, h.host, h.next_at, h.crawl_delay_ms
      FROM queues AS q JOIN hosts AS h ON h.id = q.host
     WHERE q.job = $1::bigint AND q.queued > 0 AND q.leased < q.ahead AND q.ready_at <= $2::bigint
     ORDER BY q.ready_at
     LIMIT $3::bigint
       FOR UPDATE OF q, h SKIP LOCKED
)
SELECT json_agg(json_build_array(id, host_id, host, next_at, crawl_delay_ms, queued, leased))::text
  FROM due
