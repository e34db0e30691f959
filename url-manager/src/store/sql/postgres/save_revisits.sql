-- When pages are due next, and what is known of them.
WITH input(url, job, due_at, interval_ms, etag, last_modified, content_hash) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint, (line ->> 2)::bigint, (line ->> 3)::bigint, line ->> 4, line ->> 5, line ->> 6
      FROM json_array_elements($1::json) AS line
)
INSERT INTO revisits (url, job, due_at, interval_ms, etag, last_modified, content_hash)
SELECT url, job, due_at, interval_ms, etag, last_modified, content_hash FROM input ORDER BY url
    ON CONFLICT (url) DO UPDATE
   SET due_at = excluded.due_at, interval_ms = excluded.interval_ms, etag = excluded.etag,
       last_modified = excluded.last_modified, content_hash = excluded.content_hash
