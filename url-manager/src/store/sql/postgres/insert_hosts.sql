-- Hosts that may be new.
WITH input(host) AS (
    SELECT line ->> 0
      FROM json_array_elements($1::json) AS line
)
INSERT INTO hosts (host)
SELECT DISTINCT host FROM input ORDER BY host
    ON CONFLICT DO NOTHING
