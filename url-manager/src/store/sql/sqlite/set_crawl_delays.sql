-- What hosts ask for in robots.txt.
WITH input(id, delay) AS (VALUES {rows})
UPDATE hosts SET crawl_delay_ms = input.delay FROM input WHERE hosts.id = input.id
