-- What comes back is new.
INSERT INTO pages (job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
                   fetched_at, content_type, body_bytes, title, description, lang, canonical,
                   meta_robots, body_hash, content_hash, simhash, text, markdown, structured, links, stored_at)
SELECT job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
       fetched_at, content_type, body_bytes, title, description, lang, canonical,
       meta_robots, body_hash, content_hash, simhash, text, markdown, structured::jsonb, links::jsonb, $27
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::int[],
              $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[],
              $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
              $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[])
    AS page (job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
             fetched_at, content_type, body_bytes, title, description, lang, canonical,
             meta_robots, body_hash, content_hash, simhash, text, markdown, structured, links)
ON CONFLICT (job, task) DO NOTHING
RETURNING task
