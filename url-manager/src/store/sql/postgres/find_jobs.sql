-- Jobs by id.
WITH input(uuid) AS (
    SELECT line ->> 0
      FROM json_array_elements($1::json) AS line
)
SELECT json_agg({job})::text
  FROM input JOIN jobs AS j ON j.uuid = input.uuid
