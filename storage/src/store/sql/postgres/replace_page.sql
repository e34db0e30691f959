UPDATE pages
   SET round = $3, depth = $4, url = $5, final_url = $6, status = $7, outcome = $8, code = $9,
       detail = $10, found_on = $11, fetched_at = $12, stored_at = $13, content_type = $14,
       body_bytes = $15, title = $16, description = $17, lang = $18, canonical = $19,
       meta_robots = $20, body_hash = $21, content_hash = $22, simhash = $23, text = $24,
       markdown = $25, structured = $26::text::jsonb, links = $27::text::jsonb
 WHERE job = $1 AND task = $2
