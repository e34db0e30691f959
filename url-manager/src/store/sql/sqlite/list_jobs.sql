-- Every job, in the order of their creation, with its counts.
SELECT json_group_array(json_array({job}, json((
           SELECT json_group_array(json_array(c.state, c.urls)) FROM counts AS c WHERE c.job = j.id))))
  FROM (SELECT * FROM jobs WHERE state <> 'deleted' ORDER BY id) AS j
