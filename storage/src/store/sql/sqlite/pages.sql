SELECT job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
       fetched_at, content_type, body_bytes, title, description, lang, canonical, meta_robots,
       body_hash, content_hash, simhash, text, markdown, structured, links
  FROM pages
