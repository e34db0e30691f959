-- Queues of a job whose turn it is and that have room, the longest waiting first. In PostgreSQL they are of some
-- shards, and queues and hosts are this dispatcher's until it is through. A SQLite file has no shards.
WITH due AS (
    SELECT q.id, q.host AS host_id, q.queued, q.leased, h.host, h.next_at, h.crawl_delay_ms, h.domain, h.address
      FROM queues AS q JOIN hosts AS h ON h.id = q.host
     WHERE q.job = $1::bigint AND q.queued > 0 AND q.leased < q.ahead AND q.ready_at <= $2::bigint
       AND q.shard = ANY (ARRAY(SELECT value::bigint FROM json_array_elements_text($3::json)))
     ORDER BY q.ready_at
     LIMIT $4::bigint
       FOR UPDATE OF q, h SKIP LOCKED
)
SELECT json_agg(json_build_array(id, host_id, host, next_at, crawl_delay_ms, queued, leased, domain, address))::text
  FROM due
