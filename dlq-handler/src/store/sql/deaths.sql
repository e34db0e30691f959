SELECT generation, topic, part, place, service, instance, version, stage, code, class, error, attempts,
       failed_at, history
  FROM deaths
 WHERE letter = $1
 ORDER BY generation
