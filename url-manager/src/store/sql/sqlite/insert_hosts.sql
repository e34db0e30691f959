-- Hosts that may be new.
WITH input(host) AS (VALUES {rows})
INSERT INTO hosts (host)
SELECT host FROM input WHERE host IS NOT NULL
    ON CONFLICT DO NOTHING
