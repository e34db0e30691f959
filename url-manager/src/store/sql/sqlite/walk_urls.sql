-- Every row of a job, page by page.
SELECT json_group_array(json_array(u.url, {url}))
  FROM (SELECT urls.*
          FROM urls CROSS JOIN queues ON queues.id = urls.queue
         WHERE urls.id > ? AND queues.job = ?
         ORDER BY urls.id
         LIMIT ?) AS u
