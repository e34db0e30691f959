-- What is known of pages that were fetched before.
WITH input(url) AS (VALUES {rows})
SELECT json_group_array(json_array(r.url, r.job, r.due_at, r.interval_ms, r.etag, r.last_modified, r.content_hash))
  FROM input CROSS JOIN revisits AS r ON r.url = input.url
