-- Pages of a job that are to be fetched again by now.
WITH locked AS (
    SELECT w.*, r.url AS revisit_url, r.job, r.due_at, r.interval_ms, r.etag, r.last_modified, r.content_hash
      FROM revisits AS r JOIN urls AS w ON w.id = r.url
     WHERE r.job = $1::bigint AND r.due_at <= $2::bigint
     ORDER BY r.due_at
     LIMIT $3::bigint
       FOR UPDATE OF w SKIP LOCKED
)
SELECT json_agg(json_build_array(
           {url}, json_build_array(u.revisit_url, u.job, u.due_at, u.interval_ms, u.etag, u.last_modified, u.content_hash)))::text
  FROM locked AS u
