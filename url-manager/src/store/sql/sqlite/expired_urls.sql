-- URLs in flight whose lease is over, with their job.
SELECT json_group_array(json_array(q.job, {url}))
  FROM (SELECT * FROM urls WHERE state = 1 AND lease_until <= ? LIMIT ?) AS u
       CROSS JOIN queues AS q ON q.id = u.queue
