SELECT id, message, consumer, state, generation, job, task, url, host, kind, causation, trace, topic, service, instance,
       version, stage, code, class, error, attempts, first_died_at, died_at, changed_at, changed_by, remark
  FROM letters
 WHERE id = $1
