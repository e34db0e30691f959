-- Hosts that may be new.
WITH input(host, domain) AS (
    SELECT line ->> 0, line ->> 1
      FROM json_array_elements($1::json) AS line
)
INSERT INTO hosts (host, domain)
SELECT DISTINCT host, domain FROM input ORDER BY host
    ON CONFLICT DO NOTHING
