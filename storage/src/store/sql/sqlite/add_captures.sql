-- An array of {"archive", "digest", "record", "url", "date"}.
INSERT INTO captures (archive, digest, record, url, date)
SELECT value ->> 'archive', value ->> 'digest', unhex(replace(value ->> 'record', '-', '')), value ->> 'url',
       value ->> 'date'
  FROM json_each(?1)
 WHERE true
ON CONFLICT (archive, digest) DO NOTHING
