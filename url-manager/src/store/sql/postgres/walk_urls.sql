-- Every row of a job, page by page.
SELECT json_agg(json_build_array(u.url, {url}) ORDER BY u.id)::text
  FROM (SELECT urls.*
          FROM urls JOIN queues ON queues.id = urls.queue
         WHERE urls.id > $1::bigint AND queues.job = $2::bigint
         ORDER BY urls.id
         LIMIT $3::bigint) AS u
