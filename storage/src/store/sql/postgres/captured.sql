-- {"archive", "digests"}: the first captures of payloads.
SELECT jsonb_build_array(digest, record, url, date)::text
  FROM captures
 WHERE archive = $1::text::jsonb ->> 'archive'
   AND digest IN (SELECT jsonb_array_elements_text($1::text::jsonb -> 'digests'))
