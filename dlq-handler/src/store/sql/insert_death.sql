-- No row affected: this death is known, and its letter with it.
INSERT INTO deaths (letter, generation, topic, part, place, made_at, service, instance, version, stage, code,
                    class, error, causes, attempts, failed_at, history, edited)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (letter, generation) DO NOTHING
