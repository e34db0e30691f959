-- What dispatch has to look at: jobs that run, with their counts.
SELECT json_agg(json_build_array(j.uuid, j.generation, coalesce((
           SELECT json_agg(json_build_array(c.state, c.urls)) FROM counts AS c WHERE c.job = j.id), '[]'::json)))::text
  FROM jobs AS j
 WHERE j.state = 'running'
