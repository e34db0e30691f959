SELECT generation, topic, part, place, made_at, service, instance, version, stage, code, class, error, causes, attempts,
       failed_at, history, edited
  FROM deaths
 WHERE letter = $1
 ORDER BY generation
