-- The fingerprints of a job's pages, or of all, in the order they were stored in.
SELECT jsonb_build_array(url, content_hash, simhash)::text
  FROM pages
 WHERE simhash IS NOT NULL AND ($1 = '' OR job = nullif($1, '')::uuid)
 ORDER BY seq
