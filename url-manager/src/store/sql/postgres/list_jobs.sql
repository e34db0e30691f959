-- Every job, in the order of their creation, with its counts.
SELECT json_agg(json_build_array({job}, coalesce((
           SELECT json_agg(json_build_array(c.state, c.urls)) FROM counts AS c WHERE c.job = j.id), '[]'::json))
           ORDER BY j.id)::text
  FROM jobs AS j
 WHERE j.state <> 'deleted'
