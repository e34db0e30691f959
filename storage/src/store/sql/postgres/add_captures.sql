-- An array of {"archive", "digest", "record", "url", "date"}.
INSERT INTO captures (archive, digest, record, url, date)
SELECT archive, digest, record, url, date
  FROM jsonb_to_recordset($1::text::jsonb)
    AS capture (archive text, digest text, record uuid, url text, date text)
ON CONFLICT (archive, digest) DO NOTHING
