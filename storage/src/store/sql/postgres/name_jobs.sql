-- An array of {"job", "name"}.
INSERT INTO jobs (id, name)
SELECT job, name FROM jsonb_to_recordset($1::text::jsonb) AS named (job uuid, name text) ORDER BY job
ON CONFLICT (id) DO NOTHING
