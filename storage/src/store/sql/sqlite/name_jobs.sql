-- An array of {"job", "name"}.
INSERT INTO jobs (id, name)
SELECT unhex(replace(value ->> 'job', '-', '')), value ->> 'name' FROM json_each(?1)
 WHERE true
ON CONFLICT (id) DO NOTHING
