-- Some URLs that wait at hosts where a job's budget is used up.
WITH locked AS (
    SELECT urls.*
      FROM queues AS q
           JOIN host_use AS h ON h.queue = q.id
            AND (h.pages >= $2::bigint OR h.bytes >= $3::bigint OR h.since <= $4::bigint)
           JOIN urls ON urls.queue = q.id AND urls.state = 0
     WHERE q.job = $1::bigint AND q.queued > 0
     ORDER BY urls.id
     LIMIT $5::bigint
       FOR UPDATE OF urls SKIP LOCKED
)
SELECT json_agg({url})::text
  FROM locked AS u
