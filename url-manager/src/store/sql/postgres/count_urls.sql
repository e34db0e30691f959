-- URLs of a job by state, counted one by one: what the kept counts must equal.
SELECT json_agg(json_build_array(state, urls))::text
  FROM (SELECT u.state, count(*) AS urls
          FROM queues AS q JOIN urls AS u ON u.queue = q.id
         WHERE q.job = $1::bigint
         GROUP BY u.state) AS counted
