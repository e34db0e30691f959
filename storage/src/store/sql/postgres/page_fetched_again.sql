SELECT job, task, round, depth, url, final_url, status::bigint AS status, outcome, code, detail,
       found_on, fetched_at, content_type, body_bytes, title, description, lang, canonical,
       meta_robots, text, links::text AS links
  FROM pages
 WHERE job = $1 AND url = $2 AND round > 0
 ORDER BY round DESC
 LIMIT 1
