SELECT job, task, round, depth, url, final_url, status::bigint AS status, outcome, code, detail,
       found_on, fetched_at, content_type, body_bytes, title, description, lang, canonical,
       meta_robots, text, links::text AS links
  FROM pages
 WHERE $1::uuid IS NULL OR job = $1
 ORDER BY seq
