-- When pages are due next, and what is known of them.
WITH input(url, job, due_at, interval_ms, etag, last_modified, content_hash) AS (VALUES {rows})
INSERT INTO revisits (url, job, due_at, interval_ms, etag, last_modified, content_hash)
SELECT url, job, due_at, interval_ms, etag, last_modified, content_hash FROM input WHERE url IS NOT NULL
    ON CONFLICT (url) DO UPDATE
   SET due_at = excluded.due_at, interval_ms = excluded.interval_ms, etag = excluded.etag,
       last_modified = excluded.last_modified, content_hash = excluded.content_hash
