-- {"archive", "digests"}: the first captures of payloads.
SELECT json_array(digest, hex(record), url, date)
  FROM captures
 WHERE archive = ?1 ->> 'archive' AND digest IN (SELECT value FROM json_each(?1, '$.digests'))
