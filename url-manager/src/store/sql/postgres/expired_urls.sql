-- URLs in flight whose lease is over, with their job.
WITH locked AS (
    SELECT *
      FROM urls
     WHERE state = 1 AND lease_until <= $1::bigint
     ORDER BY id
     LIMIT $2::bigint
       FOR UPDATE SKIP LOCKED
)
SELECT json_agg(json_build_array(q.job, {url}))::text
  FROM locked AS u JOIN queues AS q ON q.id = u.queue
