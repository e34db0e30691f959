SELECT state, count(*) FROM letters WHERE $1 IS NULL OR job = $1 GROUP BY state ORDER BY state
