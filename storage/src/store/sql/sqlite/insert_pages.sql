-- What comes back is new. The program repeats the group of values for each page: bound values cost a
-- quarter of what SQLite takes to read them out of JSON, because of the links.
INSERT INTO pages (job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
                   fetched_at, stored_at, content_type, body_bytes, title, description, lang,
                   canonical, meta_robots, body_hash, content_hash, simhash, text, markdown, structured, links)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (job, task) DO NOTHING
RETURNING task
