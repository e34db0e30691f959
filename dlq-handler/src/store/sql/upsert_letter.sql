-- A death of a later generation opens the letter again; one that comes late changes nothing. The payload stays the first one.
INSERT INTO letters (id, message, consumer, state, generation, job, task, url, host, kind, causation, trace, topic,
                     service, instance, version, stage, code, class, error, attempts, first_died_at, died_at,
                     changed_at, changed_by, remark, record_key, headers, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28, $29)
ON CONFLICT (id) DO UPDATE
   SET state = excluded.state, generation = excluded.generation, service = excluded.service,
       instance = excluded.instance, version = excluded.version, stage = excluded.stage, code = excluded.code,
       class = excluded.class, error = excluded.error, attempts = excluded.attempts, died_at = excluded.died_at,
       changed_at = excluded.changed_at, changed_by = excluded.changed_by, remark = excluded.remark,
       headers = excluded.headers
 WHERE letters.generation < excluded.generation
