-- The fingerprints of a job's pages, or of all, in the order they were stored in.
SELECT json_array(url, content_hash, simhash)
  FROM pages
 WHERE simhash IS NOT NULL AND (?1 = '' OR job = unhex(replace(?1, '-', '')))
 ORDER BY seq
