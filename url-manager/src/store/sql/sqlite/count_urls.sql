-- URLs of a job by state, counted one by one: what the kept counts must equal.
SELECT json_group_array(json_array(state, urls))
  FROM (SELECT u.state, count(*) AS urls
          FROM queues AS q CROSS JOIN urls AS u ON u.queue = q.id
         WHERE q.job = ?
         GROUP BY u.state)
