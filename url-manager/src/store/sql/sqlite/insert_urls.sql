-- New rows. One that is there already stays as it is.
WITH input(queue, key, state, priority, depth, parent, redirects, code, url) AS (VALUES {rows})
INSERT INTO urls (queue, key, state, priority, depth, parent, redirects, code, url, found_at, changed_at)
SELECT queue, key, state, priority, depth, parent, redirects, code, url, at.now, at.now
  FROM input, (SELECT ? AS now) AS at
 WHERE url IS NOT NULL
    ON CONFLICT (queue, key) DO NOTHING
