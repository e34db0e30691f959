-- No row affected: this death is known, and its letter with it.
INSERT INTO deaths (letter, generation, topic, part, place, service, instance, version, stage, code,
                    class, error, attempts, failed_at, history)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (letter, generation) DO NOTHING
