-- For each running job that has a queue with room: since when the one that waits longest is due.
SELECT json_agg(json_build_array(j.uuid, q.ready_at))::text
  FROM jobs AS j
       CROSS JOIN LATERAL (SELECT ready_at FROM queues
                            WHERE job = j.id AND queued > 0 AND leased < ahead
                            ORDER BY ready_at
                            LIMIT 1) AS q
 WHERE j.state = 'running'
