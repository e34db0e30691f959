-- {"path", "job", "rotates"}.
INSERT INTO archives (path, job, rotates)
SELECT path, job, rotates FROM jsonb_to_record($1::text::jsonb) AS archive (path text, job uuid, rotates boolean)
ON CONFLICT (path) DO UPDATE SET job = excluded.job, rotates = excluded.rotates
