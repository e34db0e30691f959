-- What dispatch has to look at: jobs that run, with their counts.
SELECT json_group_array(json_array(j.uuid, j.generation, json((
           SELECT json_group_array(json_array(c.state, c.urls)) FROM counts AS c WHERE c.job = j.id))))
  FROM jobs AS j
 WHERE j.state = 'running'
