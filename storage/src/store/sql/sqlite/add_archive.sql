-- {"path", "job", "rotates"}.
INSERT INTO archives (path, job, rotates)
VALUES (?1 ->> 'path', unhex(replace(?1 ->> 'job', '-', '')), ?1 ->> 'rotates')
ON CONFLICT (path) DO UPDATE SET job = excluded.job, rotates = excluded.rotates
