-- Hosts that may be new.
WITH input(host, domain) AS (VALUES {rows})
INSERT INTO hosts (host, domain)
SELECT host, domain FROM input WHERE host IS NOT NULL
    ON CONFLICT DO NOTHING
