-- An array of items. One that is stored already is as it arrived last.
INSERT INTO items (job, task, rules, position, type, url, fetched_at, data)
SELECT unhex(replace(value ->> 'job', '-', '')), unhex(replace(value ->> 'task', '-', '')), value ->> 'rules',
       value ->> 'position', value ->> 'kind', value ->> 'url', value ->> 'fetched_at', value ->> 'data'
  FROM json_each(?1)
 WHERE true
ON CONFLICT (job, rules, task, position) DO UPDATE
   SET type = excluded.type, url = excluded.url, fetched_at = excluded.fetched_at, data = excluded.data
