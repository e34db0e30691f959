-- For each running job that has a queue with room: since when the one that waits longest is due.
SELECT json_group_array(json_array(uuid, ready_at))
  FROM (SELECT j.uuid, (SELECT ready_at FROM queues
                         WHERE job = j.id AND queued > 0 AND leased < ahead
                         ORDER BY ready_at
                         LIMIT 1) AS ready_at
          FROM jobs AS j
         WHERE j.state = 'running')
 WHERE ready_at IS NOT NULL
