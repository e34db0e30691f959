-- What attempts died of.
WITH input(url, history) AS (VALUES {rows})
INSERT INTO attempts (url, history)
SELECT url, history FROM input WHERE url IS NOT NULL
    ON CONFLICT (url) DO UPDATE SET history = excluded.history
