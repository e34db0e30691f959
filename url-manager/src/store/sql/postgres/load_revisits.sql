-- What is known of pages that were fetched before.
WITH input(url) AS (
    SELECT (line ->> 0)::bigint
      FROM json_array_elements($1::json) AS line
)
SELECT json_agg(json_build_array(r.url, r.job, r.due_at, r.interval_ms, r.etag, r.last_modified, r.content_hash))::text
  FROM input JOIN revisits AS r ON r.url = input.url
