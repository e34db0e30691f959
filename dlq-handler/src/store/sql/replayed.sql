SELECT count(CASE WHEN state = 'resolved' THEN 1 END) AS resolved,
       count(CASE WHEN state = 'open' THEN 1 END) AS back
  FROM events
 WHERE generation > 0
