-- Pages of a job that are to be fetched again by now.
SELECT json_group_array(json_array(
           {url}, json_array(u.revisit_url, u.job, u.due_at, u.interval_ms, u.etag, u.last_modified, u.content_hash)))
  FROM (SELECT w.*, r.url AS revisit_url, r.job, r.due_at, r.interval_ms, r.etag, r.last_modified, r.content_hash
          FROM (SELECT * FROM revisits WHERE job = ? AND due_at <= ? ORDER BY due_at LIMIT ? + 0) AS r
               CROSS JOIN urls AS w ON w.id = r.url) AS u
