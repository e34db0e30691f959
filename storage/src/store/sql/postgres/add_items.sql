-- An array of items. One that is stored already is as it arrived last.
INSERT INTO items (job, task, rules, position, type, url, fetched_at, data)
SELECT job, task, rules, position, kind, url, fetched_at, data::jsonb
  FROM jsonb_to_recordset($1::text::jsonb)
    AS item (job uuid, task uuid, rules text, position bigint, kind text, url text, fetched_at bigint, data text)
ON CONFLICT (job, rules, task, position) DO UPDATE
   SET type = excluded.type, url = excluded.url, fetched_at = excluded.fetched_at, data = excluded.data
