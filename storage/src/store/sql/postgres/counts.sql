SELECT job, outcome, pages FROM counts
 WHERE ($1::uuid IS NULL OR job = $1) AND pages > 0
 ORDER BY job, outcome
