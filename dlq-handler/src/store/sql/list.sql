SELECT id, message, consumer, state, generation, job, task, url, host, kind, topic, service, stage, code,
       class, error, attempts, first_died_at, died_at, changed_at, changed_by, remark
  FROM letters
 WHERE ($1 IS NULL OR job = $1) AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR code = $3)
 ORDER BY died_at DESC, seq DESC
 LIMIT $4
