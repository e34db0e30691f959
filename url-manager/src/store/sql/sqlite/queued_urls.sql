-- Some URLs of a job that are queued.
SELECT json_group_array({url})
  FROM (SELECT urls.*
          FROM queues CROSS JOIN urls ON urls.queue = queues.id AND urls.state = 0
         WHERE queues.job = ? AND queues.queued > 0
         LIMIT ?) AS u
