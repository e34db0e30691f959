-- Some URLs of a job that are queued.
WITH locked AS (
    SELECT urls.*
      FROM queues JOIN urls ON urls.queue = queues.id AND urls.state = 0
     WHERE queues.job = $1::bigint AND queues.queued > 0
     ORDER BY urls.id
     LIMIT $2::bigint
       FOR UPDATE OF urls SKIP LOCKED
)
SELECT json_agg({url})::text
  FROM locked AS u
